//! Variables in, configuration out (contract: the table in `docs/reference/configuration.md`).
//!
//! An error names the variable and never prints its value: it may be a secret pasted into the
//! wrong place.

mod candidate;
mod cloud;
mod endpoint;
mod identity;
mod key;
mod parse;

pub use candidate::Candidate;
pub use endpoint::{Endpoint, Source};
pub use identity::{Application, Identity, ManagedEndpoint, ManagedIdentity, Proof, Proxy, Which};
pub use key::{AccessKey, KeyProblem};
pub(crate) use parse::host;

use cache_health_report::ReadinessPolicy;
use secrecy::SecretString;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use thiserror::Error;

/// The names of all variables that are read.
pub const NAMES: [&str; 55] = [
    "REDIS_HOST",
    "REDIS_PORT",
    "REDIS_AUTH",
    "REDIS_HEALTH_KEY",
    "REDIS_CA_FILE",
    "REDIS_ACCESS_KEY",
    "REDIS_ACCESS_KEY_FILE",
    "REDIS_ACCESS_KEY_SECONDARY",
    "REDIS_ACCESS_KEY_SECONDARY_FILE",
    "REDIS_USERNAME",
    "REDIS_TLS_NAME",
    "REDIS_EXTRA_CA_FILE",
    "REDIS_TOKEN_SCOPE",
    "REDIS_CONNECTION_STRING",
    "REDIS_CONNECTION_STRING_FILE",
    "AZURE_REDIS_HOST",
    "AZURE_REDIS_PORT",
    "AZURE_REDIS_PASSWORD",
    "AZURE_REDIS_PASSWORD_FILE",
    "AZURE_REDIS_SSL",
    "AZURE_REDIS_DATABASE",
    "AZURE_REDIS_CONNECTIONSTRING",
    "AZURE_REDIS_CLIENTID",
    "AZURE_REDIS_TENANTID",
    "AZURE_REDIS_CLIENTSECRET",
    "AZURE_REDIS_CLIENTSECRET_FILE",
    "IDENTITY_ENDPOINT",
    "IDENTITY_HEADER",
    "AZURE_CLIENT_ID",
    "AZURE_TENANT_ID",
    "AZURE_RESOURCE_ID",
    "AZURE_OBJECT_ID",
    "AZURE_CLIENT_SECRET",
    "AZURE_CLIENT_SECRET_FILE",
    "AZURE_CLIENT_CERTIFICATE_PATH",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_TOKEN_CREDENTIALS",
    "AZURE_KUBERNETES_TOKEN_PROXY",
    "AZURE_KUBERNETES_CA_FILE",
    "AZURE_KUBERNETES_CA_DATA",
    "AZURE_KUBERNETES_SNI_NAME",
    "AZURE_AUTHORITY_HOST",
    "AZURE_AUTHORITY_CA_FILE",
    "CACHE_HEALTH_LISTEN",
    "CACHE_HEALTH_TIMEOUT",
    "CACHE_HEALTH_INTERVAL",
    "CACHE_HEALTH_FAILURES",
    "CACHE_HEALTH_NEW_CONNECTION_EVERY",
    "CACHE_HEALTH_READINESS",
    "CACHE_HEALTH_HEARTBEAT",
    "CACHE_HEALTH_OPERATOR_TOKEN",
    "CACHE_HEALTH_OPERATOR_TOKEN_FILE",
    "CACHE_HEALTH_ADMIN_LISTEN",
    "CACHE_HEALTH_MAX_CONNECTIONS_PER_SECOND",
    "CACHE_HEALTH_MAX_CHECKS_PER_SECOND",
];

/// Whether a variable says where the cache is, or holds a key that goes there: of these, one source has all or none.
pub fn says_where(name: &str) -> bool {
    const OF_THE_PROBER: [&str; 5] = [
        "REDIS_AUTH",
        "REDIS_HEALTH_KEY",
        "REDIS_CA_FILE",
        "REDIS_EXTRA_CA_FILE",
        "REDIS_TOKEN_SCOPE",
    ];
    let of_the_cache = name.starts_with("REDIS_") || name.starts_with("AZURE_REDIS_");
    of_the_cache && !OF_THE_PROBER.contains(&name)
}

/// Whether the value of a variable is a secret, or holds one.
pub fn is_secret(name: &str) -> bool {
    const SECRETS: [&str; 9] = [
        "REDIS_ACCESS_KEY",
        "REDIS_ACCESS_KEY_SECONDARY",
        "REDIS_CONNECTION_STRING",
        "AZURE_REDIS_PASSWORD",
        "AZURE_REDIS_CONNECTIONSTRING",
        "AZURE_REDIS_CLIENTSECRET",
        "AZURE_CLIENT_SECRET",
        "IDENTITY_HEADER",
        OPERATOR_TOKEN,
    ];
    SECRETS.contains(&name)
}

/// What tokens are asked for, in every cloud.
pub const RESOURCE: &str = "https://redis.azure.com";

/// New connections to the cache per second, whoever causes them: each costs the cache a handshake and a
/// login.
pub const MAX_CONNECTIONS_PER_SECOND: u32 = 2;
/// New connections at once, before the rate above counts.
pub const MAX_CONNECTIONS_AT_ONCE: u32 = 4;
/// Checks per second, whoever asks.
pub const MAX_CHECKS_PER_SECOND: u32 = 50;

/// How often the log says how it goes.
const HEARTBEAT: Duration = Duration::from_secs(300);

/// The operator's token, as it is set.
pub const OPERATOR_TOKEN: &str = "CACHE_HEALTH_OPERATOR_TOKEN";
/// A file with it.
pub const OPERATOR_TOKEN_FILE: &str = "CACHE_HEALTH_OPERATOR_TOKEN_FILE";

/// Where variables come from: the environment, Spin's variables, or a map in a test.
pub trait Variables {
    /// The raw value; none when it is not set. An error when it is set but not text.
    fn get(&self, name: &str) -> Result<Option<String>, NotText>;

    /// The value, trimmed; none when it is not set, empty, or no text.
    fn text(&self, name: &str) -> Option<String> {
        let text = self.get(name).ok().flatten()?;
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    /// Whether a program of this name can be run: a developer tool that is logged in.
    fn has_program(&self, _name: &str) -> bool {
        false
    }

    /// Whether the address where a virtual machine finds its tokens can be asked.
    fn has_imds(&self) -> bool {
        false
    }

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

impl AuthPolicy {
    /// Its name, in `REDIS_AUTH` as in `cache-health:capabilities/settings`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Entra => "entra",
            Self::AccessKey => "access-key",
        }
    }
}

/// Where a secret is.
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
    /// Where the cache is, and which keys go there.
    pub endpoint: Endpoint,
    /// `REDIS_AUTH`.
    pub auth: AuthPolicy,
    /// `REDIS_HEALTH_KEY`.
    pub key: String,
    /// `REDIS_CA_FILE`: in place of the built-in roots.
    pub ca_file: Option<PathBuf>,
    /// `REDIS_EXTRA_CA_FILE`: beside the built-in roots.
    pub extra_ca_file: Option<PathBuf>,
    /// `REDIS_TOKEN_SCOPE`: the resource that tokens are asked for, without `/.default`.
    pub resource: String,
    /// The identities whose tokens are used, in the order in which they are tried.
    pub identities: Vec<Identity>,
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
    /// `CACHE_HEALTH_READINESS`: which faults make a replica not ready.
    pub readiness: ReadinessPolicy,
    /// `CACHE_HEALTH_HEARTBEAT`: how often the log says how it goes; none when it is off.
    pub heartbeat: Option<Duration>,
    /// `CACHE_HEALTH_OPERATOR_TOKEN`: who has it may see the details.
    pub operator_token: Option<KeySource>,
    /// `CACHE_HEALTH_ADMIN_LISTEN`: where whoever gets there may see the details.
    pub admin_listen: Option<SocketAddr>,
    /// `CACHE_HEALTH_MAX_CONNECTIONS_PER_SECOND`: new connections to the cache, whoever causes them.
    pub max_connections_per_second: u32,
    /// `CACHE_HEALTH_MAX_CHECKS_PER_SECOND`: checks on connections, whoever asks.
    pub max_checks_per_second: u32,
    /// What is wrong with the variables and stops nothing.
    pub warnings: Vec<ConfigError>,
}

impl Config {
    /// Reads the variables. The first that cannot be used is the error.
    pub fn from_variables(variables: &dyn Variables) -> Result<Self, ConfigError> {
        let read = parse::Reader::new(variables);
        let auth = read.or("REDIS_AUTH", AuthPolicy::Auto, parse::auth)?;
        let endpoint = endpoint::read(&read, auth)?;
        // What the policy does not need is not looked at.
        let (identities, unused) = match auth {
            AuthPolicy::AccessKey => (Vec::new(), Vec::new()),
            AuthPolicy::Auto | AuthPolicy::Entra => identity::read(&read, &endpoint)?,
        };
        let default_timeout = default_timeout(&identities);
        let mut config = Self {
            endpoint,
            auth,
            identities,
            warnings: Vec::new(),
            key: read.or("REDIS_HEALTH_KEY", "health".to_owned(), parse::key)?,
            ca_file: read.optional("REDIS_CA_FILE", parse::path)?,
            extra_ca_file: extra_ca_file(&read)?,
            resource: read.or("REDIS_TOKEN_SCOPE", RESOURCE.to_owned(), parse::scope)?,
            listen: read.or(
                "CACHE_HEALTH_LISTEN",
                default_listen(),
                parse::socket_address,
            )?,
            timeout: read.or("CACHE_HEALTH_TIMEOUT", default_timeout, parse::timeout)?,
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
            readiness: read.or(
                "CACHE_HEALTH_READINESS",
                ReadinessPolicy::Cache,
                parse::readiness,
            )?,
            heartbeat: read.or("CACHE_HEALTH_HEARTBEAT", Some(HEARTBEAT), parse::heartbeat)?,
            operator_token: read.key(OPERATOR_TOKEN, OPERATOR_TOKEN_FILE)?,
            admin_listen: read.optional("CACHE_HEALTH_ADMIN_LISTEN", parse::socket_address)?,
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

    /// `unused`: what is wrong with an identity that is only half there, the better reason for having none.
    fn has_a_credential(
        &self,
        read: &parse::Reader<'_>,
        unused: &[ConfigError],
    ) -> Result<(), ConfigError> {
        let entra = !self.identities.is_empty();
        let key = self.endpoint.primary.is_some() || self.endpoint.secondary.is_some();
        if let (false, false, Some(error)) = (entra, key, unused.first()) {
            return Err(error.clone());
        }
        const NARROWED: &str = "AZURE_TOKEN_CREDENTIALS";
        if !entra && !key && self.auth != AuthPolicy::AccessKey && read.is_set(NARROWED) {
            return Err(read.error(
                NARROWED,
                "narrows the credentials to what is not configured or not there, and no access key is set",
            ));
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

/// It adds to the built-in roots, which `REDIS_CA_FILE` replaces: both together would contradict each other.
fn extra_ca_file(read: &parse::Reader<'_>) -> Result<Option<PathBuf>, ConfigError> {
    const NAME: &str = "REDIS_EXTRA_CA_FILE";
    if read.is_set(NAME) && read.is_set("REDIS_CA_FILE") {
        return Err(read.error(NAME, "and REDIS_CA_FILE are both set: one adds to the built-in roots, the other replaces them"));
    }
    read.optional(NAME, parse::path)
}

/// A developer tool takes seconds for a token, so where there is nothing else a check may take more of them.
fn default_timeout(identities: &[Identity]) -> Duration {
    let tool = |identity: &Identity| matches!(identity, Identity::Tool(_));
    if identities.iter().any(tool) {
        Duration::from_secs(20)
    } else {
        Duration::from_secs(5)
    }
}

fn default_listen() -> SocketAddr {
    SocketAddr::from(([0, 0, 0, 0], 8080))
}

#[cfg(test)]
mod tests;
