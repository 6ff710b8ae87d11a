//! An application of Entra: a service principal, or a workload identity, at Entra's token endpoint over verified TLS.

use crate::cache::tls::TlsSettings;
use crate::files::{FileError, Files, MAX_SECRET};
use crate::http_client;
use crate::identity::proxy;
use crate::identity::{assertion, token_request};
use bytes::Bytes;
use cache_health_provider::client_credentials::{self, Proved};
use cache_health_provider::config::{Application, KeySource, Proof};
use cache_health_provider::identity::{NoToken, Token, unavailable};
use cache_health_provider::{ConfigError, ExposeSecret as _, SecretString};
use cache_health_report::Failure;
use http::header::{ACCEPT, CONTENT_TYPE, HOST};
use http_body_util::Full;
use rustls::pki_types::ServerName;
use std::path::Path;
use std::sync::Arc;
use tokio_rustls::TlsConnector;

/// Entra's token endpoint, for one application.
pub struct TokenEndpoint {
    application: Application,
    proof: Proof,
    tls: Arc<TlsSettings>,
}

impl TokenEndpoint {
    /// Fails when a file with a private CA cannot be used.
    pub async fn new(
        application: Application,
        proof: Proof,
        files: &Arc<Files>,
    ) -> Result<Self, ConfigError> {
        let ca_file = application.ca_file.clone();
        let tls = TlsSettings::load(files, "AZURE_AUTHORITY_CA_FILE", ca_file).await?;
        Ok(Self {
            application,
            proof,
            tls,
        })
    }

    /// Asks for a token.
    pub async fn request(&self, resource: &str, files: &Files) -> Result<Token, NoToken> {
        let proved = self.proved(files).await?;
        let uri = &self.application.authority;
        let host = self.application.tls_name.as_deref();
        let host = host.unwrap_or_else(|| http_client::host(uri));
        let name = ServerName::try_from(host.to_owned()).map_err(token_request::unwritable)?;
        let stream = proxy::connect(uri, self.application.proxy.as_ref()).await?;
        let stream = TlsConnector::from(self.tls.current().await.config())
            .connect(name, stream)
            .await
            .map_err(|_| NoToken::from(unavailable("unreachable")))?;
        let form = client_credentials::form(&self.application, resource, &proved);
        let body = Bytes::copy_from_slice(form.expose_secret().as_bytes());
        let request = http::Request::post(client_credentials::path(&self.application))
            .header(HOST, http_client::authority(uri))
            .header(CONTENT_TYPE, client_credentials::CONTENT_TYPE)
            .header(ACCEPT, "application/json")
            .body(Full::new(body))
            .map_err(token_request::unwritable)?;
        token_request::send(stream, request).await?.judge()
    }

    /// What proves the application, as it is now: files are rotated.
    async fn proved(&self, files: &Files) -> Result<Proved, NoToken> {
        match &self.proof {
            Proof::Secret(KeySource::Value(secret)) => Ok(Proved::Secret(secret.clone())),
            Proof::Secret(KeySource::File(path)) => {
                let secret = text(files, path, MAX_SECRET).await;
                secret
                    .map(Proved::Secret)
                    .map_err(|error| unusable("AZURE_CLIENT_SECRET_FILE", &error.to_string()))
            }
            Proof::FederatedToken(path) => {
                let token = text(files, path, client_credentials::MAX_ASSERTION).await;
                token
                    .map(Proved::Assertion)
                    .map_err(|error| unusable("AZURE_FEDERATED_TOKEN_FILE", &error.to_string()))
            }
            Proof::Certificate(path) => {
                let pem = files.read(path, MAX_SECRET).await;
                let pem = pem.map_err(|error| unusable(assertion::VARIABLE, &error.to_string()))?;
                assertion::signed(&self.application, &pem)
                    .map(Proved::Assertion)
                    .map_err(|error| unusable(assertion::VARIABLE, &error.to_string()))
            }
        }
    }
}

/// A file that is there and cannot be used is a fault of the configuration.
fn unusable(variable: &str, problem: &str) -> NoToken {
    Failure::from(&ConfigError::new(variable, problem)).into()
}

async fn text(files: &Files, path: &Path, most: usize) -> Result<SecretString, FileError> {
    let text = files.text(path, most).await?;
    match text.expose_secret().trim() {
        "" => Err(FileError::NoText),
        trimmed => Ok(SecretString::from(trimmed)),
    }
}
