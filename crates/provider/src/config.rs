//! Variables in, configuration out (contract: the table in `docs/reference/configuration.md`).
//!
//! An error names the variable and never prints its value: it may be a secret pasted into the
//! wrong place.

mod identity;
mod key;
mod parse;

pub use identity::{Identity, ManagedIdentity, WorkloadIdentity};
pub use key::{AccessKey, KeyProblem};
pub(crate) use parse::host;

use cache_health_diagnosis::Service;
use secrecy::SecretString;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use thiserror::Error;

/// The names of all variables that are read.
pub const NAMES: [&str; 23] = [
    "REDIS_HOST",
    "REDIS_PORT",
    "REDIS_AUTH",
    "REDIS_HEALTH_KEY",
    "REDIS_CA_FILE",
    "REDIS_ACCESS_KEY",
    "REDIS_ACCESS_KEY_FILE",
    "REDIS_ACCESS_KEY_SECONDARY",
    "REDIS_ACCESS_KEY_SECONDARY_FILE",
    "IDENTITY_ENDPOINT",
    "IDENTITY_HEADER",
    "AZURE_CLIENT_ID",
    "AZURE_TENANT_ID",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_AUTHORITY_HOST",
    "AZURE_AUTHORITY_CA_FILE",
    "CACHE_HEALTH_LISTEN",
    "CACHE_HEALTH_TIMEOUT",
    "CACHE_HEALTH_INTERVAL",
    "CACHE_HEALTH_FAILURES",
    "CACHE_HEALTH_NEW_CONNECTION_EVERY",
    "CACHE_HEALTH_MAX_CONNECTIONS_PER_SECOND",
    "CACHE_HEALTH_MAX_CHECKS_PER_SECOND",
];

/// New connections to the cache per second, whoever causes them: each costs the cache a handshake and a
/// login.
pub const MAX_CONNECTIONS_PER_SECOND: u32 = 2;
/// New connections at once, before the rate above counts.
pub const MAX_CONNECTIONS_AT_ONCE: u32 = 4;
/// Checks per second, whoever asks.
pub const MAX_CHECKS_PER_SECOND: u32 = 50;

/// Where variables come from: the environment, Spin's variables, or a map in a test.
pub trait Variables {
    /// The raw value; none when it is not set. An error when it is set but not text.
    fn get(&self, name: &str) -> Result<Option<String>, NotText>;

    /// What the user calls the variable.
    fn spelling(&self, name: &str) -> String {
        name.to_owned()
    }
}

/// A variable is set to bytes that are not text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotText;

impl Variables for HashMap<String, String> {
    fn get(&self, name: &str) -> Result<Option<String>, NotText> {
        Ok(HashMap::get(self, name).cloned())
    }
}

/// A setting that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{variable} {problem}")]
pub struct ConfigError {
    /// The variable at fault, as its user calls it.
    pub variable: String,
    /// What is wrong with it. Never its value.
    pub problem: String,
    /// What the value looks like, where that says something: a name of [`crate::shape`].
    pub shape: Option<&'static str>,
}

impl ConfigError {
    /// A setting, and what is wrong with it.
    pub fn new(variable: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            variable: variable.into(),
            problem: problem.into(),
            shape: None,
        }
    }
}

/// Which credentials may be used (`REDIS_AUTH`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthPolicy {
    /// Entra first, an access key as a fallback.
    Auto,
    /// Entra only.
    Entra,
    /// An access key only.
    AccessKey,
}

/// Where an access key is.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// In the variable, as it is set.
    Value(SecretString),
    /// In a file that is read whenever the key is needed, so that it can be rotated.
    File(PathBuf),
}

/// Everything that is configured.
#[derive(Clone, Debug)]
pub struct Config {
    /// `REDIS_HOST`.
    pub host: String,
    /// `REDIS_PORT`.
    pub port: u16,
    /// `REDIS_AUTH`.
    pub auth: AuthPolicy,
    /// `REDIS_HEALTH_KEY`.
    pub key: String,
    /// `REDIS_CA_FILE`.
    pub ca_file: Option<PathBuf>,
    /// `REDIS_ACCESS_KEY` or `REDIS_ACCESS_KEY_FILE`.
    pub primary: Option<KeySource>,
    /// `REDIS_ACCESS_KEY_SECONDARY` or `REDIS_ACCESS_KEY_SECONDARY_FILE`.
    pub secondary: Option<KeySource>,
    /// The identity whose tokens are used; a managed one where both kinds are configured.
    pub identity: Option<Identity>,
    /// `CACHE_HEALTH_LISTEN`.
    pub listen: SocketAddr,
    /// `CACHE_HEALTH_TIMEOUT`: the deadline of a check.
    pub timeout: Duration,
    /// `CACHE_HEALTH_INTERVAL`: the sampling period, and how old a result may be.
    pub interval: Duration,
    /// `CACHE_HEALTH_FAILURES`: failing samples in a row before `/readyz` says 503.
    pub failures: u32,
    /// `CACHE_HEALTH_NEW_CONNECTION_EVERY`: how often a new connection is proved.
    pub new_connection_every: Duration,
    /// `CACHE_HEALTH_MAX_CONNECTIONS_PER_SECOND`: new connections to the cache, whoever causes them.
    pub max_connections_per_second: u32,
    /// `CACHE_HEALTH_MAX_CHECKS_PER_SECOND`: checks on connections, whoever asks.
    pub max_checks_per_second: u32,
    /// What is wrong with the variables and stops nothing.
    pub warnings: Vec<ConfigError>,
}

/// One way to authenticate that is configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Candidate {
    /// A token through the managed identity endpoint.
    ManagedIdentity,
    /// A token for a workload identity of Kubernetes.
    WorkloadIdentity,
    /// The primary access key.
    Primary,
    /// The secondary access key.
    Secondary,
}

impl Candidate {
    /// Its number in the `credentials` interface.
    pub fn id(self) -> u32 {
        match self {
            Self::ManagedIdentity => 0,
            Self::Primary => 1,
            Self::Secondary => 2,
            Self::WorkloadIdentity => 3,
        }
    }

    /// Whether it authenticates with a Microsoft Entra token rather than an access key.
    pub fn is_entra(self) -> bool {
        matches!(self, Self::ManagedIdentity | Self::WorkloadIdentity)
    }

    /// Its name in reports.
    pub fn label(self) -> &'static str {
        match self {
            Self::ManagedIdentity => "managed-identity",
            Self::WorkloadIdentity => "workload-identity",
            Self::Primary => "primary",
            Self::Secondary => "secondary",
        }
    }
}

impl Config {
    /// Reads the variables. The first that cannot be used is the error.
    pub fn from_variables(variables: &dyn Variables) -> Result<Self, ConfigError> {
        let read = parse::Reader::new(variables);
        let auth = read.or("REDIS_AUTH", AuthPolicy::Auto, parse::auth)?;
        let host = read.required("REDIS_HOST", parse::host)?;
        let [primary, secondary] = keys(&read, auth)?;
        // What the policy does not need is not looked at.
        let (identity, unused) = match auth {
            AuthPolicy::AccessKey => (None, Vec::new()),
            AuthPolicy::Auto | AuthPolicy::Entra => identity::read(&read),
        };
        let mut config = Self {
            port: parse::redis_port(&read)?.unwrap_or(Service::of(&host).port()),
            host,
            auth,
            primary,
            secondary,
            identity,
            warnings: Vec::new(),
            key: read.or("REDIS_HEALTH_KEY", "health".to_owned(), parse::key)?,
            ca_file: read.optional("REDIS_CA_FILE", parse::path)?,
            listen: read.or(
                "CACHE_HEALTH_LISTEN",
                default_listen(),
                parse::socket_address,
            )?,
            timeout: read.or(
                "CACHE_HEALTH_TIMEOUT",
                Duration::from_secs(5),
                parse::timeout,
            )?,
            interval: read.or(
                "CACHE_HEALTH_INTERVAL",
                Duration::from_secs(10),
                parse::interval,
            )?,
            failures: read.or("CACHE_HEALTH_FAILURES", 2, parse::failures)?,
            new_connection_every: read.or(
                "CACHE_HEALTH_NEW_CONNECTION_EVERY",
                Duration::from_secs(600),
                parse::new_connection_every,
            )?,
            max_connections_per_second: read.or(
                "CACHE_HEALTH_MAX_CONNECTIONS_PER_SECOND",
                MAX_CONNECTIONS_PER_SECOND,
                parse::per_second,
            )?,
            max_checks_per_second: read.or(
                "CACHE_HEALTH_MAX_CHECKS_PER_SECOND",
                MAX_CHECKS_PER_SECOND,
                parse::per_second,
            )?,
        };
        config.has_a_credential(&read, &unused)?;
        config.warnings = read.into_warnings();
        config.warnings.extend(unused);
        Ok(config)
    }

    /// The candidates in order of preference, Entra first.
    pub fn candidates(&self) -> Vec<Candidate> {
        let identity = self.identity.as_ref().map(|identity| match identity {
            Identity::Managed(_) => Candidate::ManagedIdentity,
            Identity::Workload(_) => Candidate::WorkloadIdentity,
        });
        let primary = self.primary.as_ref().map(|_| Candidate::Primary);
        let secondary = self.secondary.as_ref().map(|_| Candidate::Secondary);
        [identity, primary, secondary]
            .into_iter()
            .flatten()
            .collect()
    }

    /// `unused`: what is wrong with an identity that is only half there, the better reason for having none.
    fn has_a_credential(
        &self,
        read: &parse::Reader<'_>,
        unused: &[ConfigError],
    ) -> Result<(), ConfigError> {
        let entra = self.identity.is_some();
        let key = self.primary.is_some() || self.secondary.is_some();
        if let (false, false, Some(error)) = (entra, key, unused.first()) {
            return Err(error.clone());
        }
        match self.auth {
            AuthPolicy::Entra if !entra => Err(read.error(
                "REDIS_AUTH",
                "is entra, but no identity is configured: Container Apps sets IDENTITY_ENDPOINT \
                 and IDENTITY_HEADER once the app has a managed identity, Kubernetes \
                 AZURE_FEDERATED_TOKEN_FILE for a workload identity",
            )),
            AuthPolicy::AccessKey if !key => Err(read.error(
                "REDIS_AUTH",
                "is access-key, but neither REDIS_ACCESS_KEY nor REDIS_ACCESS_KEY_SECONDARY is set",
            )),
            AuthPolicy::Auto if !entra && !key => Err(read.error(
                "REDIS_ACCESS_KEY",
                "is not set, and neither are IDENTITY_ENDPOINT and IDENTITY_HEADER, nor \
                 AZURE_FEDERATED_TOKEN_FILE: there is no credential to check the cache with",
            )),
            _ => Ok(()),
        }
    }
}

/// Both access keys, unless none may be used.
fn keys(read: &parse::Reader<'_>, auth: AuthPolicy) -> Result<[Option<KeySource>; 2], ConfigError> {
    if auth == AuthPolicy::Entra {
        return Ok([None, None]);
    }
    let primary = read.key("REDIS_ACCESS_KEY", "REDIS_ACCESS_KEY_FILE")?;
    let secondary = read.key(
        "REDIS_ACCESS_KEY_SECONDARY",
        "REDIS_ACCESS_KEY_SECONDARY_FILE",
    )?;
    Ok([primary, secondary])
}

fn default_listen() -> SocketAddr {
    SocketAddr::from(([0, 0, 0, 0], 8080))
}

#[cfg(test)]
mod tests;
