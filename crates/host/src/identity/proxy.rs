//! The way to Entra: straight, or through the proxy that is configured for it.

use crate::http_client;
use cache_health_provider::ExposeSecret as _;
use cache_health_provider::config::Proxy;
use cache_health_provider::identity::{NoToken, unavailable};
use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::Matcher;
use tokio::net::TcpStream;
use tower_service::Service as _;

/// Connects to where `authority` leads.
pub async fn connect(authority: &Uri, proxy: Option<&Proxy>) -> Result<TcpStream, NoToken> {
    let unreachable = || NoToken::from(unavailable("unreachable"));
    let port = authority.port_u16().unwrap_or(443);
    if let Some(through) = proxy.and_then(|proxy| intercepted(authority, proxy)) {
        let mut tunnel = Tunnel::new(through.uri().clone(), HttpConnector::new());
        if let Some(credentials) = through.basic_auth() {
            tunnel = tunnel.with_auth(credentials.clone());
        }
        let stream = tunnel.call(authority.clone()).await;
        let stream = stream.map_err(|_| NoToken::from(unavailable("proxy")))?;
        return Ok(stream.into_inner());
    }
    TcpStream::connect((http_client::host(authority), port))
        .await
        .map_err(|_| unreachable())
}

/// The proxy for this authority, unless it is one that is reached without.
fn intercepted(
    authority: &Uri,
    proxy: &Proxy,
) -> Option<hyper_util::client::proxy::matcher::Intercept> {
    Matcher::builder()
        .https(proxy.uri.expose_secret())
        .no(proxy.except.as_str())
        .build()
        .intercept(authority)
}
