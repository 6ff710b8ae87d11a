//! Where tokens come from.

use crate::cache::tls::TlsSettings;
use crate::files::Files;
use crate::identity::{managed, workload};
use cache_health_provider::ConfigError;
use cache_health_provider::config::{Identity, ManagedIdentity, WorkloadIdentity};
use cache_health_provider::identity::{NoToken, Token};
use std::sync::Arc;

/// Where tokens come from.
pub enum Source {
    /// The managed identity endpoint.
    Managed(ManagedIdentity),
    /// Entra's token endpoint.
    Workload(WorkloadIdentity, Arc<TlsSettings>, Arc<Files>),
}

impl Source {
    /// Builds what is built once. Fails when a file that is configured cannot be used.
    pub async fn new(identity: Identity, files: &Arc<Files>) -> Result<Self, ConfigError> {
        match identity {
            Identity::Managed(managed) => Ok(Self::Managed(managed)),
            Identity::Workload(identity) => {
                let ca_file = identity.ca_file.clone();
                let tls = TlsSettings::load(files, "AZURE_AUTHORITY_CA_FILE", ca_file).await?;
                Ok(Self::Workload(identity, tls, Arc::clone(files)))
            }
        }
    }

    /// Asks for a token, once. A failure says whom was asked, and how.
    pub async fn request(&self) -> Result<Token, NoToken> {
        let (result, endpoint, asked, has_proxy) = match self {
            Self::Managed(identity) => {
                let asked = identity.client_id.as_ref().map(|_| "client_id");
                let result = managed::request(identity).await;
                (result, &identity.endpoint, asked, false)
            }
            Self::Workload(identity, tls, files) => {
                let result = workload::request(identity, tls, files).await;
                (result, &identity.authority, None, identity.has_proxy)
            }
        };
        result.map_err(|mut no_token| {
            let evidence = &mut no_token.failure.evidence;
            evidence.set("identity.source", self.name());
            if let Some(authority) = endpoint.authority() {
                evidence.set("identity.endpoint", authority.as_str());
            }
            if let Some(asked) = asked {
                evidence.set("identity.asked", asked);
            }
            if has_proxy {
                evidence.set("identity.proxy", "HTTPS_PROXY");
            }
            no_token
        })
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Managed(_) => "managed-identity",
            Self::Workload(..) => "workload-identity",
        }
    }
}
