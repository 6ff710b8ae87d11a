//! Our types into the generated ones; each error exactly once.

use crate::bindings::exports::cache_health::probe::{credentials, redis, settings};
use crate::connection::{Connection, ConnectionError};
use crate::error_text::Failure;
use cache_health_provider::config::{AuthPolicy, Candidate, Config, ConfigError};
use cache_health_provider::identity::{IdentityError, Rejected, Unavailable};
use cache_health_provider::reply::Reply;
use std::time::Duration;

pub fn settings_to_wit(config: &Config) -> settings::Settings {
    settings::Settings {
        auth: match config.auth {
            AuthPolicy::Auto => settings::AuthPolicy::Auto,
            AuthPolicy::Entra => settings::AuthPolicy::Entra,
            AuthPolicy::AccessKey => settings::AuthPolicy::AccessKey,
        },
        deadline: nanoseconds(config.timeout),
        max_age: nanoseconds(config.interval),
        host: config.host.clone(),
        port: config.port,
        key: config.key.clone(),
    }
}

pub fn config_error_to_wit(error: ConfigError) -> settings::ConfigError {
    settings::ConfigError {
        message: error.to_string(),
        variable: error.variable,
    }
}

pub fn candidate_to_wit(candidate: Candidate) -> credentials::Candidate {
    credentials::Candidate {
        id: candidate.id(),
        method: method_to_wit(candidate),
        label: candidate.label().to_owned(),
    }
}

pub fn method_to_wit(candidate: Candidate) -> credentials::AuthMethod {
    if candidate.is_entra() {
        credentials::AuthMethod::Entra
    } else {
        credentials::AuthMethod::AccessKey
    }
}

pub fn identity_error_to_wit(error: IdentityError) -> credentials::CredentialError {
    use credentials::{CredentialError as Wit, TokenRejected, TokenUnavailable};
    match error {
        IdentityError::Unavailable(reason) => Wit::TokenUnavailable(match reason {
            Unavailable::Unreachable => TokenUnavailable::Unreachable,
            Unavailable::Timeout => TokenUnavailable::Timeout,
            Unavailable::Status(status) => TokenUnavailable::Status(status),
            Unavailable::NotAToken => TokenUnavailable::NotAToken,
        }),
        IdentityError::Rejected(reason) => Wit::TokenRejected(match reason {
            Rejected::Status(status) => TokenRejected::Status(status),
            Rejected::NotAJwt => TokenRejected::NotAJwt,
            Rejected::NoObjectId => TokenRejected::NoObjectId,
            Rejected::Expired(ago) => TokenRejected::Expired(ago),
        }),
    }
}

pub fn connection_error_to_wit(error: ConnectionError) -> redis::Error {
    use redis::Error as Wit;
    match error {
        ConnectionError::Timeout => Wit::Timeout,
        ConnectionError::TooMany => {
            Wit::Other("Spin's limit of Redis connections is reached".into())
        }
        ConnectionError::NotAllowed => Wit::Other(
            "Spin does not allow the address: compare redis_host and redis_port with \
             allowed_outbound_hosts"
                .into(),
        ),
        ConnectionError::Failure(failure) => match failure {
            Failure::Dns => Wit::Dns,
            Failure::Connect => Wit::Connect,
            Failure::TlsUntrusted => Wit::TlsUntrusted,
            Failure::TlsHostname => Wit::TlsHostname,
            Failure::TlsExpired => Wit::TlsExpired,
            Failure::TlsProtocol => Wit::TlsProtocol,
            Failure::Closed => Wit::Closed,
            Failure::Protocol => Wit::Protocol,
            Failure::Unknown => Wit::Other("Spin could not use the connection".into()),
            Failure::Reply(reply) => reply_to_wit(reply),
        },
    }
}

fn reply_to_wit(reply: Reply) -> redis::Error {
    use redis::Error as Wit;
    match reply {
        Reply::AuthRejected => Wit::AuthRejected,
        Reply::AuthRequired => Wit::AuthRequired,
        Reply::PermissionDenied => Wit::PermissionDenied,
        Reply::Loading => Wit::Loading,
        Reply::ReadOnly => Wit::ReadOnly,
        Reply::OutOfMemory => Wit::OutOfMemory,
        Reply::Moved { slot, endpoint } => Wit::Moved(redis::Moved { slot, endpoint }),
        Reply::Other { code } => Wit::ServerError(code),
    }
}

/// Spin hides what lies between the name and `AUTH`, and the TLS session altogether.
pub fn session_to_wit(connection: &Connection) -> redis::Session {
    let step = redis::StepTime {
        step: redis::Step::Connect,
        duration: nanoseconds(connection.took),
    };
    redis::Session {
        steps: if connection.reused {
            Vec::new()
        } else {
            vec![step]
        },
        origin: if connection.reused {
            redis::Origin::Kept
        } else {
            redis::Origin::New
        },
        tls: None,
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
