//! Our types into the generated ones; each error exactly once.

use crate::bindings::exports::cache_health::capabilities::{credentials, redis, settings};
use crate::connection::{Connection, ConnectionError};
use crate::error_text::Said;
use cache_health_provider::config::{Candidate, Config, ConfigError};
use cache_health_report::{Failure, Kind};
use std::time::Duration;

/// How users of Spin know a setting.
const SPELLING: &str = "spin";

pub fn settings_to_wit(config: &Config) -> settings::Settings {
    settings::Settings {
        auth: config.auth.as_str().to_owned(),
        deadline: nanoseconds(config.timeout),
        max_age: nanoseconds(config.interval),
        host: config.endpoint.host.clone(),
        port: config.endpoint.port,
        health_key: config.key.clone(),
        spelling: SPELLING.to_owned(),
        warnings: config.warnings.iter().map(config_error_to_wit).collect(),
    }
}

pub fn failure_to_wit(failure: Failure) -> settings::Failure {
    settings::Failure {
        code: failure.kind.as_str().to_owned(),
        evidence: failure.evidence.into_list(),
    }
}

pub fn config_error_to_wit(error: &ConfigError) -> settings::Failure {
    failure_to_wit(error.into())
}

pub fn connection_error_to_wit(error: &ConnectionError) -> settings::Failure {
    failure_to_wit(error.into())
}

/// Something that no code says.
pub fn internal(problem: &str) -> settings::Failure {
    failure_to_wit(Failure::of(Kind::Internal).with("problem", problem))
}

pub fn candidate_to_wit(candidate: Candidate) -> credentials::Candidate {
    credentials::Candidate {
        id: candidate.id(),
        method: candidate.method().as_str().to_owned(),
        label: candidate.label().to_owned(),
    }
}

impl From<&ConnectionError> for Failure {
    fn from(error: &ConnectionError) -> Self {
        match error {
            ConnectionError::Timeout => Self::of(Kind::Timeout),
            ConnectionError::TooMany => {
                Self::of(Kind::NotAllowed).with("policy", "connection-limit")
            }
            ConnectionError::Limited => {
                let variable = "CACHE_HEALTH_MAX_CONNECTIONS_PER_SECOND";
                Self::of(Kind::NotAllowed).with("policy", variable)
            }
            ConnectionError::NotAllowed => {
                Self::of(Kind::NotAllowed).with("policy", "allowed_outbound_hosts")
            }
            ConnectionError::Said(said) => match said {
                Said::Dns => Self::of(Kind::Dns),
                Said::Connect => Self::of(Kind::Connect),
                Said::TlsUntrusted => Self::of(Kind::TlsUntrusted),
                Said::TlsHostname => Self::of(Kind::TlsHostname),
                Said::TlsExpired => Self::of(Kind::TlsExpired),
                Said::TlsProtocol => Self::of(Kind::TlsProtocol),
                Said::Closed => Self::of(Kind::Closed),
                Said::Protocol => Self::of(Kind::Protocol),
                Said::NotInherited => {
                    Self::of(Kind::NotAllowed).with("policy", "inherit_configuration")
                }
                Said::Unknown => {
                    Self::of(Kind::Internal).with("problem", "Spin could not use the connection")
                }
                Said::ErrorReply(reply) => reply.into(),
            },
        }
    }
}

/// Spin hides what lies between the name and `AUTH`, and the TLS session altogether.
pub fn session_to_wit(connection: &Connection) -> redis::Session {
    let step = redis::StepTime {
        step: "connect".to_owned(),
        duration: nanoseconds(connection.took),
    };
    let kept = connection.reused;
    redis::Session {
        steps: if kept { Vec::new() } else { vec![step] },
        origin: if kept { "kept" } else { "new" }.to_owned(),
        tls: None,
        evidence: Vec::new(),
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
