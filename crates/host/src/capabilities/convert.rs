//! Our types into the generated ones; each error exactly once.

use super::bindings::cache_health::probe::{credentials, redis, settings};
use crate::cache::{CacheError, ConnectFailure, DialStep, Observed, Origin};
use crate::identity::TokenError;
use crate::provider::{Credential, CredentialError};
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

pub fn candidate_to_wit(candidate: Candidate) -> credentials::Candidate {
    credentials::Candidate {
        id: candidate.id(),
        method: method_to_wit(candidate),
        label: candidate.label().to_owned(),
    }
}

fn method_to_wit(candidate: Candidate) -> credentials::AuthMethod {
    if candidate.is_entra() {
        credentials::AuthMethod::Entra
    } else {
        credentials::AuthMethod::AccessKey
    }
}

pub fn description_to_wit(credential: &Credential) -> credentials::Description {
    credentials::Description {
        method: method_to_wit(credential.candidate),
        label: credential.candidate.label().to_owned(),
        principal: credential.principal.clone(),
        expires_at: credential.expires_at,
        renewal_failure: credential
            .renewal_failure
            .map(|error| credential_error_to_wit(CredentialError::Token(error))),
    }
}

pub fn credential_error_to_wit(error: CredentialError) -> credentials::CredentialError {
    use credentials::{CredentialError as Wit, TokenRejected, TokenUnavailable};
    match error {
        CredentialError::UnknownCandidate => Wit::UnknownCandidate,
        CredentialError::Key(error) => Wit::KeyUnreadable(config_error_to_wit(error)),
        CredentialError::Token(TokenError::AssertionUnreadable(error)) => {
            Wit::KeyUnreadable(config_error_to_wit(ConfigError {
                variable: "AZURE_FEDERATED_TOKEN_FILE".to_owned(),
                problem: error.to_string(),
            }))
        }
        CredentialError::Token(TokenError::Identity(IdentityError::Unavailable(reason))) => {
            Wit::TokenUnavailable(match reason {
                Unavailable::Unreachable => TokenUnavailable::Unreachable,
                Unavailable::Timeout => TokenUnavailable::Timeout,
                Unavailable::Status(status) => TokenUnavailable::Status(status),
                Unavailable::NotAToken => TokenUnavailable::NotAToken,
            })
        }
        CredentialError::Token(TokenError::Identity(IdentityError::Rejected(reason))) => {
            Wit::TokenRejected(match reason {
                Rejected::Status(status) => TokenRejected::Status(status),
                Rejected::NotAJwt => TokenRejected::NotAJwt,
                Rejected::NoObjectId => TokenRejected::NoObjectId,
                Rejected::Expired(ago) => TokenRejected::Expired(ago),
            })
        }
    }
}

fn config_error_to_wit(error: ConfigError) -> settings::ConfigError {
    settings::ConfigError {
        message: error.to_string(),
        variable: error.variable,
    }
}

pub fn cache_error_to_wit(error: CacheError) -> redis::Error {
    use redis::Error as Wit;
    match error {
        CacheError::Dns => Wit::Dns,
        CacheError::Connect => Wit::Connect,
        CacheError::TlsUntrusted => Wit::TlsUntrusted,
        CacheError::TlsHostname => Wit::TlsHostname,
        CacheError::TlsExpired => Wit::TlsExpired,
        CacheError::TlsProtocol => Wit::TlsProtocol,
        CacheError::Closed => Wit::Closed,
        CacheError::Timeout => Wit::Timeout,
        CacheError::Limited => Wit::Other(
            "there was no permit in time: more is asked for than CACHE_HEALTH_MAX_CONNECTIONS_PER_SECOND \
             or CACHE_HEALTH_MAX_CHECKS_PER_SECOND allows"
                .into(),
        ),
        CacheError::Protocol => Wit::Protocol,
        CacheError::Reply(reply) => match reply {
            Reply::AuthRejected => Wit::AuthRejected,
            Reply::AuthRequired => Wit::AuthRequired,
            Reply::PermissionDenied => Wit::PermissionDenied,
            Reply::Loading => Wit::Loading,
            Reply::ReadOnly => Wit::ReadOnly,
            Reply::OutOfMemory => Wit::OutOfMemory,
            Reply::Moved { slot, endpoint } => Wit::Moved(redis::Moved { slot, endpoint }),
            Reply::Other { code } => Wit::ServerError(code),
        },
    }
}

pub fn connect_failure_to_wit(failure: ConnectFailure) -> redis::ConnectFailure {
    let step = match failure.error {
        // It did not get as far as a step.
        CacheError::Limited => redis::Step::Connect,
        _ => step_to_wit(failure.step),
    };
    redis::ConnectFailure {
        error: cache_error_to_wit(failure.error),
        step,
        session: Some(session_to_wit(failure.observed, Origin::New)),
    }
}

/// The guest holds as many connections as it may.
pub fn too_many_connections() -> redis::ConnectFailure {
    redis::ConnectFailure {
        error: redis::Error::Other("too many connections are held".into()),
        step: redis::Step::Connect,
        session: None,
    }
}

/// A kept connection's steps were an earlier check's.
pub fn session_to_wit(observed: Observed, origin: Origin) -> redis::Session {
    let (origin, steps) = match origin {
        Origin::New => (redis::Origin::New, observed.steps),
        Origin::Kept => (redis::Origin::Kept, Vec::new()),
        Origin::Unclaimed => (redis::Origin::Unclaimed, observed.steps),
    };
    redis::Session {
        steps: steps
            .into_iter()
            .map(|(step, took)| redis::StepTime {
                step: step_to_wit(step),
                duration: nanoseconds(took),
            })
            .collect(),
        origin,
        tls: observed.tls.map(|tls| redis::TlsSession {
            protocol: tls.protocol.clone(),
            cipher: tls.cipher.clone(),
            issuer: tls.issuer.clone(),
            names: tls.names.clone(),
            not_after: tls.not_after,
            // A session is only established after chain and host name were verified.
            verified: true,
        }),
    }
}

fn step_to_wit(step: DialStep) -> redis::Step {
    match step {
        DialStep::Dns => redis::Step::Dns,
        DialStep::Tcp => redis::Step::Tcp,
        DialStep::Tls => redis::Step::Tls,
        DialStep::Auth => redis::Step::Auth,
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
