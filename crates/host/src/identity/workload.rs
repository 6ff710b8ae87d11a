//! A workload identity: Entra's token endpoint, over verified TLS, with a token that the cluster
//! signs and rotates.

use crate::cache::tls::TlsSettings;
use crate::files::{FileError, Files, MAX_SECRET};
use crate::identity::token_request;
use bytes::Bytes;
use cache_health_provider::ConfigError;
use cache_health_provider::config::WorkloadIdentity;
use cache_health_provider::identity::{NoToken, Token, unavailable};
use cache_health_provider::{ExposeSecret as _, SecretString, workload};
use cache_health_report::Failure;
use http_body_util::Full;
use rustls::pki_types::ServerName;
use std::io;
use std::path::Path;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Asks for a token. The file is read each time: the cluster replaces it every hour or so.
pub async fn request(
    configured: &WorkloadIdentity,
    tls: &TlsSettings,
    files: &Files,
) -> Result<Token, NoToken> {
    let assertion = assertion(files, &configured.token_file).await;
    let assertion = assertion.map_err(|error| {
        let error = ConfigError::new("AZURE_FEDERATED_TOKEN_FILE", error.to_string());
        NoToken::from(Failure::from(&error))
    })?;
    let unreachable = |_: io::Error| NoToken::from(unavailable("unreachable"));
    let uri = &configured.authority;
    let host = token_request::host(uri);
    let name = ServerName::try_from(host.to_owned()).map_err(token_request::unwritable)?;
    let stream = TcpStream::connect((host, uri.port_u16().unwrap_or(443)))
        .await
        .map_err(unreachable)?;
    let stream = TlsConnector::from(tls.current().await.config())
        .connect(name, stream)
        .await
        .map_err(unreachable)?;

    let form = workload::form(configured, &assertion);
    let request = http::Request::post(workload::path(configured))
        .header(http::header::HOST, token_request::authority(uri))
        .header(http::header::CONTENT_TYPE, workload::CONTENT_TYPE)
        .header(http::header::ACCEPT, "application/json")
        .body(Full::new(Bytes::copy_from_slice(
            form.expose_secret().as_bytes(),
        )))
        .map_err(token_request::unwritable)?;
    token_request::send(stream, request).await
}

/// The token that the cluster signed.
pub async fn assertion(files: &Files, path: &Path) -> Result<SecretString, FileError> {
    let bytes = files.read(path, MAX_SECRET).await?;
    let text = std::str::from_utf8(&bytes).unwrap_or_default().trim();
    if text.is_empty() || text.len() > workload::MAX_ASSERTION {
        return Err(FileError::Io(io::ErrorKind::InvalidData));
    }
    Ok(SecretString::from(text))
}
