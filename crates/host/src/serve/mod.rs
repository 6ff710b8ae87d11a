//! `cache-health serve`: what Container Apps and Kubernetes call.
//!
//! | route | answers |
//! |---|---|
//! | `/livez` | 200 while the process works; never touches Redis |
//! | `/readyz` | 200 or 503, damped, from the newest sample; `?verbose` adds a line per step |
//! | `/healthz` | the full report, undamped; `?fresh=1` makes a check now, `?new-connection=1` one on a new connection |
//! | `/history` | how it went: the last results, the last failures, a day in minutes |
//! | `/metrics` | the same in numbers, for Prometheus |
//! | `/` | the same for a browser |
//! | `/probe` | a check now of a cache that is configured by name, in numbers |
//!
//! What is a value of this deployment is shown to the operator only: by token, or on a port of the operator's own. With
//! `--component`, every path but those that platforms probe is answered by somebody else's component, and the rest is on
//! the operator's port.
//!
//! Start-up: configuration, port, first check, connections. Shutdown: not ready for a while, then
//! no new connections, then what is in flight.

mod app;
mod connections;
mod custom;
mod flight;
mod heartbeat;
mod history;
mod listeners;
mod page;
mod probe;
mod respond;
mod routes;
mod sampler;
mod send_limit;
mod series;

pub(crate) use series::Judgement;

use crate::check::MISCONFIGURED;
use crate::component::{Embedded, HealthError};
use crate::environment::Environment;
use crate::logging;
use crate::provider::Provider;
use crate::replica::Replica;
use crate::shutdown;
use crate::telemetry::Telemetry;
use app::App;
use cache_health_provider::ConfigError;
use cache_health_provider::rate::Caller;
use custom::CustomComponent;
use flight::Flights;
use listeners::Listeners;
use probe::Targets;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::task::JoinSet;
use tracing::{error, info};

/// Why nothing is served.
enum Refusal {
    /// The configuration, in one sentence.
    Configuration(String),
    /// The program itself.
    Component(HealthError),
}

impl From<ConfigError> for Refusal {
    fn from(error: ConfigError) -> Self {
        Self::Configuration(error.to_string())
    }
}

/// Serves until a signal ends it. `component`: somebody else's, which answers all other paths. `version`: of the program,
/// with its revision.
pub async fn run(variables: &Environment, component: Option<&Path>, version: &str) -> ExitCode {
    match Serving::prepare(variables, component, version).await {
        Ok(serving) => serving.until_told().await,
        Err(Refusal::Configuration(sentence)) => {
            logging::say(&sentence);
            MISCONFIGURED.into()
        }
        Err(Refusal::Component(error)) => {
            error!(%error, "cannot start");
            ExitCode::FAILURE
        }
    }
}

/// Everything that serves.
struct Serving {
    provider: Arc<Provider>,
    embedded: Embedded,
    listeners: Listeners,
    app: App,
}

impl Serving {
    async fn prepare(
        variables: &Environment,
        component: Option<&Path>,
        version: &str,
    ) -> Result<Self, Refusal> {
        let provider = Provider::from_variables(variables).await?;
        let targets = Targets::load(variables).await?;
        provider.operator_token().await?;
        let listeners = Listeners::bind(&provider.config).await.map_err(|error| {
            let (address, kind) = (provider.config.listen, error.kind());
            let sentence = format!("CACHE_HEALTH_LISTEN cannot be used: {address}: {kind}");
            Refusal::Configuration(sentence)
        })?;
        let custom = component.map(|path| CustomComponent::load(path, &provider));
        let custom = custom.transpose().map_err(|error| {
            Refusal::Configuration(format!("--component cannot be used: {error}"))
        })?;
        let embedded = Embedded::load(Arc::clone(&provider)).map_err(Refusal::Component)?;
        let replica = Replica::of(variables);
        let telemetry = Telemetry::start(variables, &provider, &replica).await;
        let app = App::new(
            Arc::clone(&provider),
            Flights::of(embedded.health(Caller::Request), &provider.cache),
            custom,
            replica,
            telemetry,
            targets,
            version,
        );
        Ok(Self {
            provider,
            embedded,
            listeners,
            app,
        })
    }

    /// Samples, renews and answers until a signal.
    async fn until_told(self) -> ExitCode {
        let Self { provider, app, .. } = self;
        let config = provider.config.clone();
        let mut tasks = JoinSet::new();
        if let Some(every) = config.heartbeat {
            tasks.spawn(heartbeat::beat_for_ever(app.clone(), every));
        }
        tasks.spawn(async move { provider.keep_renewed().await });
        tasks.spawn(sampler::sample_for_ever(
            app.clone(),
            self.embedded.health(Caller::Sampler),
            config.interval,
            config.new_connection_every,
        ));
        let address = self.listeners.address().unwrap_or(config.listen);
        let (host, port) = (config.endpoint.host, config.endpoint.port);
        info!(%address, host, port, "serving /livez, /readyz and /healthz");

        connections::serve(self.listeners, app.clone(), shutdown::signal()).await;
        app.close();
        tasks.abort_all();
        info!("drained");
        ExitCode::SUCCESS
    }
}
