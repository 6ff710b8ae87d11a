//! A workload identity: Entra's token endpoint, over verified TLS, with a token that the cluster
//! signs and rotates.

use crate::identity::exchange;
use crate::identity::source::{Failure, TokenError};
use bytes::Bytes;
use cache_health_provider::config::WorkloadIdentity;
use cache_health_provider::identity::{Token, Unavailable};
use cache_health_provider::{ExposeSecret as _, SecretString, workload};
use http_body_util::Full;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::io;
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Asks for a token. The file is read each time: the cluster replaces it every hour or so.
pub async fn request(
    configured: &WorkloadIdentity,
    tls: &Arc<ClientConfig>,
) -> Result<Token, Failure> {
    let assertion = assertion(&configured.token_file).map_err(|error| Failure {
        error: TokenError::AssertionUnreadable(error.kind()),
        retry_after: None,
    })?;
    let unreachable = |_: io::Error| Failure::from(Unavailable::Unreachable);
    let uri = &configured.authority;
    let host = exchange::host(uri);
    let name = ServerName::try_from(host.to_owned()).map_err(exchange::unwritable)?;
    let stream = TcpStream::connect((host, uri.port_u16().unwrap_or(443)))
        .await
        .map_err(unreachable)?;
    let stream = TlsConnector::from(Arc::clone(tls))
        .connect(name, stream)
        .await
        .map_err(unreachable)?;

    let form = workload::form(configured, &assertion);
    let request = http::Request::post(workload::path(configured))
        .header(http::header::HOST, exchange::authority(uri))
        .header(http::header::CONTENT_TYPE, workload::CONTENT_TYPE)
        .header(http::header::ACCEPT, "application/json")
        .body(Full::new(Bytes::copy_from_slice(
            form.expose_secret().as_bytes(),
        )))
        .map_err(exchange::unwritable)?;
    exchange::send(stream, request).await
}

/// The token that the cluster signed.
pub fn assertion(path: &Path) -> io::Result<SecretString> {
    let text = SecretString::from(std::fs::read_to_string(path)?);
    let trimmed = text.expose_secret().trim();
    if trimmed.is_empty() || trimmed.len() > workload::MAX_ASSERTION {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok(SecretString::from(trimmed))
}
