//! Our types into the generated ones; each error exactly once.

use super::bindings::cache_health::capabilities::{credentials, redis, settings};
use crate::cache::{CacheError, ConnectFailure, Connection, DialStep, Observed, Origin};
use crate::provider::{Credential, CredentialError};
use cache_health_diagnosis::Spelling;
use cache_health_provider::config::{Candidate, Config};
use cache_health_report::{Failure, Kind};
use std::time::Duration;

pub fn settings_to_wit(config: &Config) -> settings::Settings {
    settings::Settings {
        auth: config.auth.as_str().to_owned(),
        deadline: nanoseconds(config.timeout),
        max_age: nanoseconds(config.interval),
        host: config.endpoint.host.clone(),
        port: config.endpoint.port,
        health_key: config.key.clone(),
        spelling: Spelling::Environment.as_str().to_owned(),
        warnings: config
            .warnings
            .iter()
            .map(|warning| failure_to_wit(warning.into()))
            .collect(),
    }
}

pub fn candidate_to_wit(candidate: Candidate) -> credentials::Candidate {
    credentials::Candidate {
        id: candidate.id(),
        method: candidate.method().as_str().to_owned(),
        label: candidate.label().to_owned(),
    }
}

pub fn description_to_wit(credential: &Credential) -> credentials::Description {
    credentials::Description {
        method: credential.candidate.method().as_str().to_owned(),
        label: credential.candidate.label().to_owned(),
        principal: credential.principal.clone(),
        expires_at: credential.expires_at,
        renewal_failure: credential.renewal_failure.clone().map(failure_to_wit),
        evidence: credential.evidence.clone().into_list(),
    }
}

pub fn failure_to_wit(failure: Failure) -> settings::Failure {
    settings::Failure {
        code: failure.kind.as_str().to_owned(),
        evidence: failure.evidence.into_list(),
    }
}

/// Something that a guest passed and nobody should, or a limit of its own.
pub fn refused(problem: &str) -> settings::Failure {
    failure_to_wit(Failure::of(Kind::Internal).with("problem", problem))
}

impl From<&CredentialError> for Failure {
    fn from(error: &CredentialError) -> Self {
        match error {
            CredentialError::UnknownCandidate => {
                Self::of(Kind::Internal).with("problem", "There is no such candidate")
            }
            CredentialError::Key(error) => error.into(),
            CredentialError::Token(failure) => failure.clone(),
        }
    }
}

impl From<&CacheError> for Failure {
    fn from(error: &CacheError) -> Self {
        match error {
            CacheError::Dns => Self::of(Kind::Dns),
            CacheError::Connect => Self::of(Kind::Connect),
            CacheError::TlsUntrusted => Self::of(Kind::TlsUntrusted),
            CacheError::TlsHostname => Self::of(Kind::TlsHostname),
            CacheError::TlsExpired => Self::of(Kind::TlsExpired),
            CacheError::TlsProtocol => Self::of(Kind::TlsProtocol),
            CacheError::Closed => Self::of(Kind::Closed),
            CacheError::Timeout => Self::of(Kind::Timeout),
            CacheError::Protocol => Self::of(Kind::Protocol),
            CacheError::Limited(variable) => Self::of(Kind::NotAllowed).with("policy", variable),
            CacheError::ErrorReply(reply) => reply.into(),
            CacheError::Node { reply, problem } => {
                Self::from(reply).with("redis.nodeProblem", problem)
            }
        }
    }
}

pub fn connect_failure_to_wit(failed: ConnectFailure) -> redis::ConnectFailure {
    let step = match failed.error {
        // It did not get as far as a step.
        CacheError::Limited(_) => "connect",
        _ => step(failed.step),
    };
    let mut failure = Failure::from(&failed.error);
    failure.evidence.extend(failed.observed.evidence.clone());
    redis::ConnectFailure {
        failure: failure_to_wit(failure),
        step: step.to_owned(),
        session: Some(session_to_wit(failed.observed, Origin::New)),
    }
}

/// The guests hold as many connections as they may.
pub fn too_many_connections() -> redis::ConnectFailure {
    let failure = Failure::of(Kind::NotAllowed).with("policy", "connection-limit");
    redis::ConnectFailure {
        failure: failure_to_wit(failure),
        step: "connect".to_owned(),
        session: None,
    }
}

/// What was observed of a connection. A kept connection's steps were an earlier check's.
pub fn session_of(connection: &Connection) -> redis::Session {
    let mut observed = connection.observed.clone();
    if let Some(node) = connection.node() {
        // What a green proves of a cluster: the shard that holds the health key.
        observed.evidence.set("cluster.node", node);
    }
    session_to_wit(observed, connection.origin)
}

/// What was observed, as a guest reads it.
fn session_to_wit(observed: Observed, origin: Origin) -> redis::Session {
    let (origin, steps) = match origin {
        Origin::New => ("new", observed.steps),
        Origin::Kept => ("kept", Vec::new()),
        Origin::Unclaimed => ("unclaimed", observed.steps),
    };
    redis::Session {
        steps: steps
            .into_iter()
            .map(|(at, took)| redis::StepTime {
                step: step(at).to_owned(),
                duration: nanoseconds(took),
            })
            .collect(),
        origin: origin.to_owned(),
        tls: observed.tls.map(|tls| redis::TlsSession {
            protocol: tls.protocol.clone(),
            cipher: tls.cipher.clone(),
            issuer: tls.issuer.clone(),
            names: tls.names.clone(),
            not_after: tls.not_after,
            // A session is only established after chain and host name were verified.
            verified: true,
        }),
        evidence: observed.evidence.into_list(),
    }
}

fn step(step: DialStep) -> &'static str {
    match step {
        DialStep::Dns => "dns",
        DialStep::Tcp => "tcp",
        DialStep::Tls => "tls",
        DialStep::Auth => "auth",
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
