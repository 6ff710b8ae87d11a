//! What the services to be measured against have in common.

use anyhow::{Context as _, Result};
use axum::http::StatusCode;
use axum::{Router, serve::ListenerExt as _};
use redis::aio::MultiplexedConnection;
use redis::{
    AsyncCommands as _, ConnectionAddr, IntoConnectionInfo as _, RedisResult, TlsCertificates,
};

/// What is written, and has to be read back.
const VALUE: &str = "ok";
/// Where.
const KEY: &str = "baseline";
/// For how long, in seconds.
const TTL: u64 = 60;

/// A status and a body.
pub type Answer = (StatusCode, &'static str);

/// What a service answers.
#[must_use]
pub fn answer(good: bool) -> Answer {
    if good {
        (StatusCode::OK, "ok\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "fail\n")
    }
}

/// `SET`.
pub async fn set(connection: &mut MultiplexedConnection) -> RedisResult<()> {
    connection.set_ex(KEY, VALUE, TTL).await
}

/// `GET`: whether the value is the one that was set.
pub async fn get(connection: &mut MultiplexedConnection) -> RedisResult<bool> {
    let value: Option<String> = connection.get(KEY).await?;
    Ok(value.as_deref() == Some(VALUE))
}

/// A client of the cache that the environment names.
pub fn client() -> Result<redis::Client> {
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
    Ok(redis::Client::build_with_tls(info, certificates)?)
}

/// Serves until it is ended.
pub async fn serve(app: Router) -> Result<()> {
    let listener = tokio::net::TcpListener::bind(variable("BASELINE_LISTEN")?).await?;
    // As ours does: small answers must not wait for one another's acknowledgement.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    Ok(axum::serve(listener, app).await?)
}

/// A variable that has to be set.
pub fn variable(name: &str) -> Result<String> {
    std::env::var(name).with_context(|| format!("{name} is not set"))
}
