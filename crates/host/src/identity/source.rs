//! Where tokens come from.

use crate::cache::tls;
use crate::identity::{managed, workload};
use cache_health_provider::ConfigError;
use cache_health_provider::config::{Identity, ManagedIdentity, WorkloadIdentity};
use cache_health_provider::identity::{IdentityError, Token, Unavailable};
use cache_health_provider::schedule;
use rustls::ClientConfig;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// How long one request may take: as long as a check by default, so that one that hangs does not
/// keep the next from being tried.
const REQUEST_LIMIT: Duration = Duration::from_secs(5);

/// Why there is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenError {
    /// Whoever issues it gave none.
    Identity(IdentityError),
    /// `AZURE_FEDERATED_TOKEN_FILE` cannot be read, or holds nothing that can be sent.
    AssertionUnreadable(io::ErrorKind),
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
    Workload(WorkloadIdentity, Arc<ClientConfig>),
}

impl Source {
    /// Builds what is built once. Fails when a file that is configured cannot be used.
    pub fn new(identity: Identity) -> Result<Self, ConfigError> {
        match identity {
            Identity::Managed(managed) => Ok(Self::Managed(managed)),
            Identity::Workload(identity) => {
                let error = |variable: &str, problem| ConfigError {
                    variable: variable.to_owned(),
                    problem,
                };
                workload::assertion(&identity.token_file)
                    .map_err(|e| error("AZURE_FEDERATED_TOKEN_FILE", unreadable(e.kind())))?;
                let tls = tls::client_config(identity.ca_file.as_deref())
                    .map_err(|e| error("AZURE_AUTHORITY_CA_FILE", e.to_string()))?;
                Ok(Self::Workload(identity, tls))
            }
        }
    }

    /// Asks for a token, once.
    pub async fn request(&self) -> Result<Token, Failure> {
        let request = async {
            match self {
                Self::Managed(identity) => managed::request(identity).await,
                Self::Workload(identity, tls) => workload::request(identity, tls).await,
            }
        };
        tokio::time::timeout(REQUEST_LIMIT, request)
            .await
            .unwrap_or(Err(Unavailable::Timeout.into()))
    }
}

/// What is said of a file that cannot be read.
pub fn unreadable(kind: io::ErrorKind) -> String {
    format!("cannot be read: {kind}")
}
