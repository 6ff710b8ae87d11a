//! Where tokens come from.

use crate::cache::tls::TlsSettings;
use crate::files::{FileError, Files};
use crate::identity::{managed, workload};
use cache_health_provider::ConfigError;
use cache_health_provider::config::{Identity, ManagedIdentity, WorkloadIdentity};
use cache_health_provider::identity::{IdentityError, Token, Unavailable};
use cache_health_provider::schedule;
use std::sync::Arc;
use std::time::Duration;

/// Why there is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenError {
    /// Whoever issues it gave none.
    Identity(IdentityError),
    /// `AZURE_FEDERATED_TOKEN_FILE` cannot be read, or holds nothing that can be sent.
    AssertionUnreadable(FileError),
}

impl TokenError {
    /// No answer in time.
    pub const TIMEOUT: Self = Self::Identity(IdentityError::Unavailable(Unavailable::Timeout));

    /// Whether to try again within one fetch.
    pub fn is_worth_a_retry(self) -> bool {
        match self {
            Self::Identity(error) => schedule::is_worth_a_retry(error),
            // The cluster may be replacing it this very moment.
            Self::AssertionUnreadable(_) => true,
        }
    }
}

/// A request that gave no token.
#[derive(Clone, Copy, Debug)]
pub struct Failure {
    /// Why.
    pub error: TokenError,
    /// How long the endpoint asked to be left alone (`Retry-After`).
    pub retry_after: Option<Duration>,
}

impl Failure {
    /// What was said before.
    pub fn again(error: TokenError) -> Self {
        Self {
            error,
            retry_after: None,
        }
    }
}

impl From<Unavailable> for Failure {
    fn from(error: Unavailable) -> Self {
        Self {
            error: TokenError::Identity(IdentityError::Unavailable(error)),
            retry_after: None,
        }
    }
}

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
                let assertion = workload::assertion(files, &identity.token_file).await;
                assertion.map_err(|error| ConfigError {
                    variable: "AZURE_FEDERATED_TOKEN_FILE".to_owned(),
                    problem: error.to_string(),
                })?;
                let ca_file = identity.ca_file.clone();
                let tls = TlsSettings::load(files, "AZURE_AUTHORITY_CA_FILE", ca_file).await?;
                Ok(Self::Workload(identity, tls, Arc::clone(files)))
            }
        }
    }

    /// Asks for a token, once.
    pub async fn request(&self) -> Result<Token, Failure> {
        match self {
            Self::Managed(identity) => managed::request(identity).await,
            Self::Workload(identity, tls, files) => workload::request(identity, tls, files).await,
        }
    }
}
