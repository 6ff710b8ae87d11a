//! Where the cache is, and what goes there: host, user and secret come from one source, so that no source's password is
//! ever sent to another's host.

use super::parse::{self, Reader};
use super::{AuthPolicy, Candidate, ConfigError, KeySource};
use crate::connection_string::ConnectionString;
use cache_health_diagnosis::Service;
use secrecy::SecretString;

/// Where the end point is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// `REDIS_HOST` and its companions.
    Variables,
    /// `REDIS_CONNECTION_STRING`.
    ConnectionString,
    /// What Service Connector sets: `AZURE_REDIS_…`.
    ServiceConnector,
}

/// Where the cache is.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Where that is from.
    pub source: Source,
    /// The host name, or an address.
    pub host: String,
    /// The TLS port.
    pub port: u16,
    /// The database that is selected; 0 needs no selecting.
    pub database: u32,
    /// The name that the certificate has to be for, where it is not the host.
    pub tls_name: Option<String>,
    /// The user of an access key; none for Redis' own default user.
    pub user: Option<String>,
    /// The variable that the first access key is from.
    pub key_variable: &'static str,
    /// The first access key.
    pub primary: Option<KeySource>,
    /// The second access key.
    pub secondary: Option<KeySource>,
}

/// The user that an access key is for, unless another is configured.
const KEY_USER: &str = "default";

impl Endpoint {
    /// Where a candidate's access key is, and the variable that it is from.
    pub fn key(&self, candidate: Candidate) -> (Option<&KeySource>, &'static str) {
        match candidate {
            Candidate::Secondary => (self.secondary.as_ref(), "REDIS_ACCESS_KEY_SECONDARY"),
            _ => (self.primary.as_ref(), self.key_variable),
        }
    }

    /// The user that goes with an access key.
    pub fn key_user(&self) -> &str {
        self.user.as_deref().unwrap_or(KEY_USER)
    }
}

/// Reads the first source that is set. Keys are not looked at where the policy wants none.
pub fn read(read: &Reader<'_>, auth: AuthPolicy) -> Result<Endpoint, ConfigError> {
    let mut endpoint = if read.is_set("REDIS_HOST") {
        variables(read, auth)?
    } else if read.is_set("REDIS_CONNECTION_STRING") {
        string(read, "REDIS_CONNECTION_STRING", Source::ConnectionString)?
    } else if read.is_set("AZURE_REDIS_HOST") {
        service_connector(read)?
    } else if read.is_set("AZURE_REDIS_CONNECTIONSTRING") {
        string(
            read,
            "AZURE_REDIS_CONNECTIONSTRING",
            Source::ServiceConnector,
        )?
    } else {
        return Err(read.error(
            "REDIS_HOST",
            "is not set, and neither is REDIS_CONNECTION_STRING, nor what Service Connector sets (AZURE_REDIS_HOST)",
        ));
    };
    if auth == AuthPolicy::Entra {
        (endpoint.primary, endpoint.secondary) = (None, None);
    }
    if endpoint.source != Source::Variables {
        keys_of_another_source(read);
    }
    endpoint.tls_name = match read.optional("REDIS_TLS_NAME", parse::host)? {
        Some(name) => Some(name),
        None => endpoint.tls_name,
    };
    Ok(endpoint)
}

fn variables(read: &Reader<'_>, auth: AuthPolicy) -> Result<Endpoint, ConfigError> {
    let host = read.required("REDIS_HOST", parse::host)?;
    let key = |name, file| match auth {
        AuthPolicy::Entra => Ok(None),
        AuthPolicy::Auto | AuthPolicy::AccessKey => read.key(name, file),
    };
    Ok(Endpoint {
        source: Source::Variables,
        port: parse::redis_port(read)?.unwrap_or(Service::of(&host).port()),
        host,
        database: 0,
        tls_name: None,
        user: read.optional("REDIS_USERNAME", parse::user)?,
        key_variable: "REDIS_ACCESS_KEY",
        primary: key("REDIS_ACCESS_KEY", "REDIS_ACCESS_KEY_FILE")?,
        secondary: key(
            "REDIS_ACCESS_KEY_SECONDARY",
            "REDIS_ACCESS_KEY_SECONDARY_FILE",
        )?,
    })
}

fn service_connector(read: &Reader<'_>) -> Result<Endpoint, ConfigError> {
    const PLAINTEXT: &str = "asks for a connection without TLS, which would send the key in the clear: connect the TLS port";
    if read.optional("AZURE_REDIS_SSL", parse::boolean)? == Some(false) {
        return Err(read.error("AZURE_REDIS_SSL", PLAINTEXT));
    }
    let host = read.required("AZURE_REDIS_HOST", parse::host)?;
    Ok(Endpoint {
        source: Source::ServiceConnector,
        port: read.or("AZURE_REDIS_PORT", Service::of(&host).port(), parse::port)?,
        host,
        database: read.or("AZURE_REDIS_DATABASE", 0, parse::database)?,
        tls_name: None,
        user: None,
        key_variable: "AZURE_REDIS_PASSWORD",
        primary: read.key("AZURE_REDIS_PASSWORD", "AZURE_REDIS_PASSWORD_FILE")?,
        secondary: None,
    })
}

fn string(read: &Reader<'_>, name: &'static str, source: Source) -> Result<Endpoint, ConfigError> {
    let text = SecretString::from(read.text(name)?.unwrap_or_default());
    let string = {
        use secrecy::ExposeSecret as _;
        ConnectionString::of(text.expose_secret())
    };
    let string = string.map_err(|error| read.error(name, &error.to_string()))?;
    if string.others > 0 {
        let others = string.others;
        let problem = format!(
            "has {others} more end points (a comma in a password makes one): only the first is used"
        );
        read.warn(read.error(name, &problem));
    }
    Ok(Endpoint {
        source,
        port: string.port.unwrap_or(Service::of(&string.host).port()),
        host: string.host,
        database: string.database,
        tls_name: string.tls_name,
        user: string.user,
        key_variable: name,
        primary: string.password.map(KeySource::Value),
        secondary: None,
    })
}

/// A key of `REDIS_HOST`'s goes to no other source's host, and whoever set one should know.
fn keys_of_another_source(read: &Reader<'_>) {
    for name in [
        "REDIS_ACCESS_KEY",
        "REDIS_ACCESS_KEY_FILE",
        "REDIS_ACCESS_KEY_SECONDARY",
        "REDIS_ACCESS_KEY_SECONDARY_FILE",
    ] {
        if read.is_set(name) {
            read.warn(read.error(
                name,
                "is not used: it goes with REDIS_HOST, and the end point is from another source",
            ));
        }
    }
}
