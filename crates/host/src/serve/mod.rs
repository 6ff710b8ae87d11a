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
mod replica;
mod respond;
mod routes;
pub mod sample;
mod sampler;
mod series;
pub mod shutdown;

use crate::check::MISCONFIGURED;
use crate::component::Embedded;
use crate::environment::Environment;
use crate::logging;
use crate::provider::Provider;
use crate::telemetry::Telemetry;
use app::App;
use cache_health_provider::rate::Caller;
use custom::CustomComponent;
use flight::Flights;
use listeners::Listeners;
use probe::Targets;
pub use replica::Replica;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use tracing::{error, info};

/// Serves until a signal ends it. `component`: somebody else's, which answers all other paths. `version`: of the program,
/// with its revision.
pub async fn run(variables: &Environment, component: Option<&Path>, version: &str) -> ExitCode {
    let provider = match Provider::from_variables(variables).await {
        Ok(provider) => provider,
        Err(error) => {
            logging::say(&error.to_string());
            return MISCONFIGURED.into();
        }
    };
    let config = provider.config.clone();
    let targets = match Targets::load(variables).await {
        Ok(targets) => targets,
        Err(error) => {
            logging::say(&error.to_string());
            return MISCONFIGURED.into();
        }
    };
    if let Err(error) = provider.operator_token().await {
        logging::say(&error.to_string());
        return MISCONFIGURED.into();
    }
    let listeners = match Listeners::bind(&config).await {
        Ok(listeners) => listeners,
        Err(error) => {
            let (address, kind) = (config.listen, error.kind());
            logging::say(&format!(
                "CACHE_HEALTH_LISTEN cannot be used: {address}: {kind}"
            ));
            return MISCONFIGURED.into();
        }
    };
    let custom = match component
        .map(|path| CustomComponent::load(path, &provider))
        .transpose()
    {
        Ok(custom) => custom,
        Err(error) => {
            logging::say(&format!("--component cannot be used: {error}"));
            return MISCONFIGURED.into();
        }
    };
    let embedded = match Embedded::load(Arc::clone(&provider)) {
        Ok(embedded) => embedded,
        Err(error) => {
            error!(%error, "cannot start");
            return ExitCode::FAILURE;
        }
    };
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
    let heartbeat = config
        .heartbeat
        .map(|every| tokio::spawn(heartbeat::beat_for_ever(app.clone(), every)));
    let renewals = tokio::spawn(async move { provider.keep_renewed().await });
    let sampler = tokio::spawn(sampler::sample_for_ever(
        app.clone(),
        embedded.health(Caller::Sampler),
        config.interval,
        config.new_connection_every,
    ));
    let address = listeners.address().unwrap_or(config.listen);
    info!(%address, host = config.endpoint.host, port = config.endpoint.port, "serving /livez, /readyz and /healthz");

    connections::serve(listeners, app.clone(), shutdown::signal()).await;
    app.close();
    sampler.abort();
    renewals.abort();
    heartbeat.into_iter().for_each(|task| task.abort());
    info!("drained");
    ExitCode::SUCCESS
}
