//! `cache-health serve`: what Container Apps and Kubernetes call.
//!
//! | route | answers |
//! |---|---|
//! | `/livez` | 200 while the process works; never touches Redis |
//! | `/readyz` | 200 or 503, damped, from the newest sample; `?verbose` adds a line per step |
//! | `/healthz` | the full report, undamped; `?fresh=1` makes a check now, `?new-connection=1` a cold one |
//!
//! With `--component`, every other path is answered by somebody else's component.
//!
//! Start-up: configuration, port, first check, connections. Shutdown: not ready for a while, then
//! no new connections, then what is in flight.

mod app;
mod connections;
mod flight;
mod foreign;
mod respond;
mod routes;
mod sampler;
mod series;
mod shutdown;

use crate::check::MISCONFIGURED;
use crate::component::Health;
use crate::provider::Provider;
use app::App;
use cache_health_provider::{Config, Variables};
use foreign::Foreign;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::net::TcpListener;
use tracing::{error, info};

/// Serves until a signal ends it. `component`: somebody else's, which answers all other paths.
pub async fn run(variables: &dyn Variables, component: Option<&Path>) -> ExitCode {
    let configured = Config::from_variables(variables).and_then(Provider::new);
    let provider = match configured {
        Ok(provider) => provider,
        Err(error) => {
            eprintln!("cache-health: {error}");
            return MISCONFIGURED.into();
        }
    };
    let config = provider.config.clone();
    let listener = match TcpListener::bind(config.listen).await {
        Ok(listener) => listener,
        Err(error) => {
            let (address, kind) = (config.listen, error.kind());
            eprintln!("cache-health: CACHE_HEALTH_LISTEN cannot be used: {address}: {kind}");
            return MISCONFIGURED.into();
        }
    };
    let foreign = match component
        .map(|path| Foreign::load(path, &provider))
        .transpose()
    {
        Ok(foreign) => foreign,
        Err(error) => {
            eprintln!("cache-health: --component cannot be used: {error}");
            return MISCONFIGURED.into();
        }
    };
    let health = match Health::embedded(Arc::clone(&provider)) {
        Ok(health) => health,
        Err(error) => {
            error!(%error, "cannot start");
            return ExitCode::FAILURE;
        }
    };
    let app = App::new(health, foreign, &config);
    let renewals = tokio::spawn(async move { provider.keep_renewed().await });
    let sampler = tokio::spawn(sampler::sample_for_ever(
        app.clone(),
        config.interval,
        config.cold_every,
    ));
    let address = listener.local_addr().unwrap_or(config.listen);
    info!(%address, host = config.host, port = config.port, "serving /livez, /readyz and /healthz");

    connections::serve(listener, app.clone(), shutdown::signal()).await;
    app.close();
    sampler.abort();
    renewals.abort();
    info!("drained");
    ExitCode::SUCCESS
}
