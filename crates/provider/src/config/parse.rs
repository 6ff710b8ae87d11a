//! One function per kind of value: the text of a variable in, the value or what is wrong out.

use super::{AuthPolicy, ConfigError, KeySource, Variables};
use crate::shape;
use cache_health_report::ReadinessPolicy;
use secrecy::SecretString;
use std::cell::RefCell;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// What is wrong with a value, without the value.
type Problem = &'static str;

/// The longest host name (RFC 1035).
const MAX_HOST: usize = 253;
/// The longest health key. Redis would take more; nobody means it.
const MAX_KEY: usize = 512;
/// The longest header that is taken for one.
const MAX_SECRET: usize = 4096;

/// Reads variables and words the errors.
pub struct Reader<'a> {
    variables: &'a dyn Variables,
    warnings: RefCell<Vec<ConfigError>>,
}

impl<'a> Reader<'a> {
    pub fn new(variables: &'a dyn Variables) -> Self {
        Self {
            variables,
            warnings: RefCell::default(),
        }
    }

    pub fn has_program(&self, name: &str) -> bool {
        self.variables.has_program(name)
    }

    pub fn has_imds(&self) -> bool {
        self.variables.has_imds()
    }

    pub fn error(&self, name: &str, problem: &str) -> ConfigError {
        ConfigError::new(self.variables.spelling(name), problem)
    }

    /// Keeps what is wrong and stops nothing, once: a variable may be read more often.
    pub fn warn(&self, warning: ConfigError) {
        let mut warnings = self.warnings.borrow_mut();
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }

    /// What was wrong and stopped nothing.
    pub fn into_warnings(self) -> Vec<ConfigError> {
        self.warnings.into_inner()
    }

    /// As it is set, trimmed; empty and white space is unset.
    fn raw(&self, name: &str) -> Result<Option<String>, ConfigError> {
        let text = self
            .variables
            .get(name)
            .map_err(|_| self.error(name, "is not valid UTF-8"))?;
        Ok(text
            .map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty()))
    }

    /// As it is meant: without a byte order mark, and without the quotation marks that `docker run --env-file` and
    /// Kubernetes keep, with a warning for either.
    pub fn text(&self, name: &str) -> Result<Option<String>, ConfigError> {
        let Some(raw) = self.raw(name)? else {
            return Ok(None);
        };
        let (text, removed) = shape::bare(&raw, |_| true);
        if let Some(removed) = removed {
            self.warn(self.error(name, removed.problem()));
        }
        Ok(Some(text.to_owned()).filter(|text| !text.is_empty()))
    }

    /// Whether it is set, to whatever.
    pub fn is_set(&self, name: &str) -> bool {
        matches!(self.raw(name), Ok(Some(_)) | Err(_))
    }

    pub fn optional<T>(
        &self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, Problem>,
    ) -> Result<Option<T>, ConfigError> {
        let parsed = self.text(name)?.map(|text| {
            parse(&text).map_err(|problem| ConfigError {
                shape: shape::of_setting(&text),
                ..self.error(name, problem)
            })
        });
        parsed.transpose()
    }

    pub fn or<T>(
        &self,
        name: &str,
        default: T,
        parse: impl FnOnce(&str) -> Result<T, Problem>,
    ) -> Result<T, ConfigError> {
        Ok(self.optional(name, parse)?.unwrap_or(default))
    }

    pub fn required<T>(
        &self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, Problem>,
    ) -> Result<T, ConfigError> {
        self.optional(name, parse)?
            .ok_or_else(|| self.error(name, "is not set"))
    }

    pub fn key(&self, name: &str, file: &str) -> Result<Option<KeySource>, ConfigError> {
        // As it is: what a key is meant to be is decided where it is used, a file's like this one.
        let value = self.raw(name)?.map(SecretString::from);
        let path = self.optional(file, path)?;
        match (value, path) {
            (Some(_), Some(_)) => Err(self.error(file, "and its value form are both set")),
            (Some(value), None) => Ok(Some(KeySource::Value(value))),
            (None, path) => Ok(path.map(KeySource::File)),
        }
    }
}

pub fn host(text: &str) -> Result<String, Problem> {
    if shape::is_template(text) {
        return Err("is a template that was not filled in");
    }
    if text.contains("://") || text.contains('/') {
        return Err("must be a host name only, without a scheme or a path");
    }
    if text.parse::<std::net::Ipv6Addr>().is_ok() {
        return Ok(text.to_owned());
    }
    if text.contains(':') {
        return Err("must be a host name only; the port goes into REDIS_PORT");
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.' || c == '_';
    if text.len() > MAX_HOST || !text.chars().all(plain) {
        return Err("is not a host name");
    }
    Ok(text.to_owned())
}

pub fn port(text: &str) -> Result<u16, Problem> {
    text.parse()
        .ok()
        .filter(|port| *port != 0)
        .ok_or("must be a port number from 1 to 65535")
}

/// `REDIS_PORT`, where it is one: Kubernetes sets a variable of this name to `tcp://10.0.0.1:6379` for a service called
/// `redis`.
pub fn redis_port(read: &Reader<'_>) -> Result<Option<u16>, ConfigError> {
    const NAME: &str = "REDIS_PORT";
    if read
        .text(NAME)?
        .is_some_and(|text| text.starts_with("tcp://"))
    {
        read.warn(read.error(
            NAME,
            "is what Kubernetes sets for a service called redis (tcp://...), and was taken for unset: set it to the port, \
             or enableServiceLinks: false in the pod",
        ));
        return Ok(None);
    }
    read.optional(NAME, port)
}

pub fn auth(text: &str) -> Result<AuthPolicy, Problem> {
    match text {
        "auto" => Ok(AuthPolicy::Auto),
        "entra" => Ok(AuthPolicy::Entra),
        "access-key" => Ok(AuthPolicy::AccessKey),
        _ => Err("must be auto, entra or access-key"),
    }
}

pub fn boolean(text: &str) -> Result<bool, Problem> {
    crate::connection_string::boolean(text).ok_or("must be true or false")
}

pub fn database(text: &str) -> Result<u32, Problem> {
    text.parse().map_err(|_| "must be the number of a database")
}

/// The name of an ACL user.
pub fn user(text: &str) -> Result<String, Problem> {
    if text.len() > MAX_KEY || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err("must be the name of a user, without white space");
    }
    Ok(text.to_owned())
}

/// What a token is asked for: a resource, with `/.default` or without.
pub fn scope(text: &str) -> Result<String, Problem> {
    let resource = text.strip_suffix("/.default").unwrap_or(text);
    let resource = resource.trim_end_matches('/');
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '<' | '>');
    if resource.is_empty() || resource.len() > MAX_HOST || !resource.chars().all(plain) {
        return Err("must be a scope, such as https://redis.azure.com/.default");
    }
    Ok(resource.to_owned())
}

/// The id of an Azure resource, such as a user-assigned identity.
pub fn resource_id(text: &str) -> Result<String, Problem> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/-_.()".contains(c);
    if !text.starts_with('/') || text.len() > 1024 || !text.chars().all(plain) {
        return Err("must be the id of a resource: /subscriptions/.../userAssignedIdentities/...");
    }
    Ok(text.to_owned())
}

pub fn key(text: &str) -> Result<String, Problem> {
    if text.len() > MAX_KEY || text.chars().any(char::is_control) {
        return Err("must be at most 512 bytes without control characters");
    }
    Ok(text.to_owned())
}

pub fn path(text: &str) -> Result<PathBuf, Problem> {
    Ok(PathBuf::from(text))
}

pub fn header(text: &str) -> Result<SecretString, Problem> {
    if text.len() > MAX_SECRET || http::HeaderValue::from_str(text).is_err() {
        return Err("cannot be sent as an HTTP header");
    }
    Ok(SecretString::from(text))
}

pub fn http_uri(text: &str) -> Result<http::Uri, Problem> {
    let uri: http::Uri = text.parse().map_err(|_| "is not a URL")?;
    if uri.scheme_str() != Some("http") || uri.host().is_none_or(str::is_empty) {
        return Err("must be an http:// URL");
    }
    Ok(uri)
}

pub fn https_uri(text: &str) -> Result<http::Uri, Problem> {
    let uri: http::Uri = text.parse().map_err(|_| "is not a URL")?;
    if uri.scheme_str() != Some("https") || uri.host().is_none_or(str::is_empty) {
        return Err("must be an https:// URL");
    }
    Ok(uri)
}

/// A proxy, with its scheme or without. It may hold a password.
pub fn proxy(text: &str) -> Result<SecretString, Problem> {
    let with_scheme = if text.contains("://") {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    let uri: http::Uri = with_scheme.parse().map_err(|_| "is not a URL")?;
    match uri.scheme_str() {
        Some("http") if uri.host().is_some_and(|host| !host.is_empty()) => Ok(with_scheme.into()),
        _ => Err("must be the http:// URL of a proxy"),
    }
}

/// A tenant is named by a GUID or one of its domains; it becomes part of a path.
pub fn tenant_id(text: &str) -> Result<String, Problem> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    if text.len() > MAX_HOST || !text.chars().all(plain) {
        return Err("must be the id of a tenant, a GUID");
    }
    Ok(text.to_owned())
}

pub fn client_id(text: &str) -> Result<String, Problem> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if text.len() > 64 || !text.chars().all(plain) {
        return Err("must be the client id of an identity, a GUID");
    }
    Ok(text.to_owned())
}

pub fn socket_address(text: &str) -> Result<SocketAddr, Problem> {
    text.parse()
        .map_err(|_| "must be an address with a port, such as 0.0.0.0:8080")
}

pub fn timeout(text: &str) -> Result<Duration, Problem> {
    duration(text, Duration::from_millis(10), Duration::from_secs(300))
        .ok_or("must be a duration from 10ms to 5m, such as 5s")
}

/// Azure closes a connection that was idle for ten minutes; a sample uses it more often.
pub fn interval(text: &str) -> Result<Duration, Problem> {
    duration(
        text,
        Duration::from_millis(100),
        Duration::from_secs(9 * 60),
    )
    .ok_or("must be a duration from 100ms to 9m, such as 10s")
}

pub fn new_connection_every(text: &str) -> Result<Duration, Problem> {
    duration(
        text,
        Duration::from_millis(100),
        Duration::from_secs(86_400),
    )
    .ok_or("must be a duration from 100ms to 1d, such as 10m")
}

/// None: off.
pub fn heartbeat(text: &str) -> Result<Option<Duration>, Problem> {
    if text == "0" {
        return Ok(None);
    }
    duration(text, Duration::from_secs(1), Duration::from_secs(86_400))
        .map(Some)
        .ok_or("must be a duration from 1s to 1d, such as 5m, or 0 for none")
}

pub fn readiness(text: &str) -> Result<ReadinessPolicy, Problem> {
    ReadinessPolicy::of(text).ok_or("must be cache, replica or never")
}

pub fn failures(text: &str) -> Result<u32, Problem> {
    text.parse()
        .ok()
        .filter(|count| (1..=100).contains(count))
        .ok_or("must be a number from 1 to 100")
}

pub fn per_second(text: &str) -> Result<u32, Problem> {
    text.parse()
        .ok()
        .filter(|count| (1..=1_000_000).contains(count))
        .ok_or("must be a whole number from 1 to 1000000")
}

fn duration(text: &str, least: Duration, most: Duration) -> Option<Duration> {
    humantime::parse_duration(text)
        .ok()
        .filter(|duration| (least..=most).contains(duration))
}
