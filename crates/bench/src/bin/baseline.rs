//! What somebody would write without any of this: axum, redis-rs, rustls; SET and GET per request
//! over one kept connection, nothing shared between requests.

use anyhow::{Context as _, Result};
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Router, serve::ListenerExt as _};
use redis::aio::MultiplexedConnection;
use redis::{AsyncCommands as _, ConnectionAddr, IntoConnectionInfo as _, TlsCertificates};

type Answer = (StatusCode, &'static str);

#[tokio::main]
async fn main() -> Result<()> {
    let variable = |name: &str| std::env::var(name).with_context(|| format!("{name} is not set"));
    // Only fails when there is one already, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let address = ConnectionAddr::TcpTls {
        host: variable("REDIS_HOST")?,
        port: variable("REDIS_PORT")?.parse()?,
        insecure: false,
        tls_params: None,
    };
    let settings =
        redis::RedisConnectionInfo::default().set_password(variable("REDIS_ACCESS_KEY")?);
    let info = address.into_connection_info()?.set_redis_settings(settings);
    let certificates = TlsCertificates {
        client_tls: None,
        root_cert: Some(std::fs::read(variable("REDIS_CA_FILE")?)?),
    };
    let client = redis::Client::build_with_tls(info, certificates)?;
    let connection = client.get_multiplexed_async_connection().await?;

    let app = Router::new()
        .route("/healthz", get(health))
        .with_state(connection)
        .route("/connect", get(connect))
        .with_state(client)
        .route("/constant", get(|| async { "ok\n" }));
    let listener = tokio::net::TcpListener::bind(variable("BASELINE_LISTEN")?).await?;
    // As ours does: small answers must not wait for one another's acknowledgement.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    Ok(axum::serve(listener, app).await?)
}

/// As redis_exporter does it: a connection of its own for each probe.
async fn connect(State(client): State<redis::Client>) -> Answer {
    match client.get_multiplexed_async_connection().await {
        Ok(connection) => health(State(connection)).await,
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "fail\n"),
    }
}

async fn health(State(mut connection): State<MultiplexedConnection>) -> Answer {
    let round_trip = async {
        let () = connection.set_ex("baseline", "ok", 60).await?;
        let value: Option<String> = connection.get("baseline").await?;
        redis::RedisResult::Ok(value)
    };
    match round_trip.await {
        Ok(Some(value)) if value == "ok" => (StatusCode::OK, "ok\n"),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "fail\n"),
    }
}
