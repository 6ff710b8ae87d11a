//! The door: the capabilities over the imports of the world, with every generated type converted
//! here and nowhere else.

use crate::bindings::cache_health::probe::{credentials, redis, settings};
use crate::bindings::exports::cache_health::probe::health;
use crate::capabilities::{
    AuthPolicy, Candidate, Capabilities, ConfigError, ConnectFailure, CredentialError,
    CredentialFacts, Origin, RedisError, Session, Settings, TokenRejected, TokenUnavailable,
};
use cache_health_report as report;
use report::{AuthMethod, Step, Tls};
use std::time::Duration;
use wasi::clocks::{monotonic_clock, system_clock};

/// The host this component runs in.
pub struct Host;

impl Capabilities for Host {
    type Credential = credentials::Credential;
    type Connection = redis::Connection;

    async fn settings(&self) -> Result<Settings, ConfigError> {
        match settings::get().await {
            Ok(settings) => Ok(settings_from_wit(settings)),
            Err(error) => Err(config_error_from_wit(error)),
        }
    }

    async fn candidates(&self) -> Vec<Candidate> {
        let configured = credentials::configured().await;
        configured.into_iter().map(candidate_from_wit).collect()
    }

    async fn acquire(
        &self,
        candidate: u32,
        budget: Duration,
    ) -> Result<Self::Credential, CredentialError> {
        credentials::Credential::acquire(candidate, nanoseconds(budget))
            .await
            .map_err(credential_error_from_wit)
    }

    fn facts(&self, credential: &Self::Credential) -> CredentialFacts {
        let description = credential.describe();
        CredentialFacts {
            principal: description.principal,
            expires_at: description.expires_at,
            renewal_failure: description.renewal_failure.map(credential_error_from_wit),
        }
    }

    async fn connect(
        &self,
        credential: &Self::Credential,
        budget: Duration,
        fresh: bool,
    ) -> Result<Self::Connection, ConnectFailure> {
        let options = redis::ConnectOptions {
            budget: nanoseconds(budget),
            fresh,
        };
        redis::Connection::connect(credential, options)
            .await
            .map_err(|failure| ConnectFailure {
                error: redis_error_from_wit(failure.error),
                step: step_from_wit(failure.step),
                session: failure.session.map(session_from_wit).unwrap_or_default(),
            })
    }

    fn session(&self, connection: &Self::Connection) -> Session {
        session_from_wit(connection.session())
    }

    async fn set(
        &self,
        connection: &Self::Connection,
        value: &[u8],
        ttl_seconds: u32,
        budget: Duration,
    ) -> Result<(), RedisError> {
        connection
            .set(value.to_vec(), ttl_seconds, nanoseconds(budget))
            .await
            .map_err(redis_error_from_wit)
    }

    async fn get(
        &self,
        connection: &Self::Connection,
        budget: Duration,
    ) -> Result<Option<Vec<u8>>, RedisError> {
        connection
            .get(nanoseconds(budget))
            .await
            .map_err(redis_error_from_wit)
    }

    fn now(&self) -> Duration {
        Duration::from_nanos(monotonic_clock::now())
    }

    fn wall_clock(&self) -> i64 {
        system_clock::now().seconds
    }

    async fn wait(&self, duration: Duration) {
        monotonic_clock::wait_for(nanoseconds(duration)).await;
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn settings_from_wit(wit: settings::Settings) -> Settings {
    Settings {
        auth: match wit.auth {
            settings::AuthPolicy::Auto => AuthPolicy::Auto,
            settings::AuthPolicy::Entra => AuthPolicy::Entra,
            settings::AuthPolicy::AccessKey => AuthPolicy::AccessKey,
        },
        deadline: Duration::from_nanos(wit.deadline),
        max_age: Duration::from_nanos(wit.max_age),
        host: wit.host,
        port: wit.port,
        key: wit.key,
    }
}

fn config_error_from_wit(wit: settings::ConfigError) -> ConfigError {
    ConfigError {
        variable: wit.variable,
        message: wit.message,
    }
}

fn candidate_from_wit(wit: credentials::Candidate) -> Candidate {
    Candidate {
        id: wit.id,
        method: match wit.method {
            credentials::AuthMethod::Entra => AuthMethod::Entra,
            credentials::AuthMethod::AccessKey => AuthMethod::AccessKey,
        },
        label: wit.label,
    }
}

fn credential_error_from_wit(wit: credentials::CredentialError) -> CredentialError {
    use credentials::CredentialError as Wit;
    match wit {
        Wit::TokenUnavailable(reason) => CredentialError::TokenUnavailable(match reason {
            credentials::TokenUnavailable::Unreachable => TokenUnavailable::Unreachable,
            credentials::TokenUnavailable::Timeout => TokenUnavailable::Timeout,
            credentials::TokenUnavailable::Status(status) => TokenUnavailable::Status(status),
            credentials::TokenUnavailable::NotAToken => TokenUnavailable::NotAToken,
        }),
        Wit::TokenRejected(reason) => CredentialError::TokenRejected(match reason {
            credentials::TokenRejected::Status(status) => TokenRejected::Status(status),
            credentials::TokenRejected::NotAJwt => TokenRejected::NotAJwt,
            credentials::TokenRejected::NoObjectId => TokenRejected::NoObjectId,
            credentials::TokenRejected::Expired(ago) => TokenRejected::Expired(ago),
        }),
        Wit::KeyUnreadable(error) => CredentialError::Unreadable(config_error_from_wit(error)),
        Wit::UnknownCandidate => CredentialError::Other("the host knows no such candidate".into()),
        Wit::Other(text) => CredentialError::Other(text),
    }
}

fn redis_error_from_wit(wit: redis::Error) -> RedisError {
    use redis::Error as Wit;
    match wit {
        Wit::Dns => RedisError::Dns,
        Wit::Connect => RedisError::Connect,
        Wit::TlsUntrusted => RedisError::TlsUntrusted,
        Wit::TlsHostname => RedisError::TlsHostname,
        Wit::TlsExpired => RedisError::TlsExpired,
        Wit::TlsProtocol => RedisError::TlsProtocol,
        Wit::AuthRejected => RedisError::AuthRejected,
        Wit::AuthRequired => RedisError::AuthRequired,
        Wit::PermissionDenied => RedisError::PermissionDenied,
        Wit::Loading => RedisError::Loading,
        Wit::ReadOnly => RedisError::ReadOnly,
        Wit::OutOfMemory => RedisError::OutOfMemory,
        Wit::Moved(moved) => RedisError::Moved {
            slot: moved.slot,
            endpoint: moved.endpoint,
        },
        Wit::ServerError(code) => RedisError::ServerError(code),
        Wit::Closed => RedisError::Closed,
        Wit::Timeout => RedisError::Timeout,
        Wit::Protocol => RedisError::Protocol,
        Wit::Other(text) => RedisError::Other(text),
    }
}

fn step_from_wit(wit: redis::Step) -> Step {
    match wit {
        redis::Step::Dns => Step::Dns,
        redis::Step::Tcp => Step::Tcp,
        redis::Step::Tls => Step::Tls,
        redis::Step::Auth => Step::Auth,
        redis::Step::Connect => Step::Connect,
    }
}

fn session_from_wit(wit: redis::Session) -> Session {
    Session {
        steps: wit
            .steps
            .into_iter()
            .map(|time| {
                (
                    step_from_wit(time.step),
                    Duration::from_nanos(time.duration),
                )
            })
            .collect(),
        origin: match wit.origin {
            redis::Origin::New => Origin::New,
            redis::Origin::Kept => Origin::Kept,
            redis::Origin::Unclaimed => Origin::Unclaimed,
        },
        tls: wit.tls.map(|tls| Tls {
            protocol: tls.protocol,
            cipher: tls.cipher,
            issuer: tls.issuer,
            names: tls.names,
            not_after: tls.not_after,
            verified: tls.verified,
        }),
    }
}

/// The report as the callers of `health` know it.
pub fn report_to_wit(report: report::Report) -> health::Report {
    health::Report {
        status: status_to_wit(report.status),
        time: report.time,
        age: nanoseconds(report.age),
        output: report.output,
        failure: report.failure.map(finding_to_wit),
        warnings: report.warnings.into_iter().map(finding_to_wit).collect(),
        auth: report.auth.map(auth_to_wit),
        tls: report.tls.map(|tls| health::Tls {
            protocol: tls.protocol,
            cipher: tls.cipher,
            issuer: tls.issuer,
            names: tls.names,
            not_after: tls.not_after,
            verified: tls.verified,
        }),
        steps: report
            .steps
            .into_iter()
            .map(|result| health::StepResult {
                step: step_to_wit(result.step),
                status: status_to_wit(result.status),
                duration: nanoseconds(result.duration),
            })
            .collect(),
    }
}

fn status_to_wit(status: report::Status) -> health::Status {
    match status {
        report::Status::Pass => health::Status::Pass,
        report::Status::Warn => health::Status::Warn,
        report::Status::Fail => health::Status::Fail,
    }
}

fn step_to_wit(step: Step) -> health::Step {
    match step {
        Step::Dns => health::Step::RedisDns,
        Step::Tcp => health::Step::RedisTcp,
        Step::Tls => health::Step::RedisTls,
        Step::Token => health::Step::IdentityToken,
        Step::Auth => health::Step::RedisAuth,
        Step::Connect => health::Step::RedisConnect,
        Step::Set => health::Step::RedisSet,
        Step::Get => health::Step::RedisGet,
    }
}

fn finding_to_wit(finding: report::Finding) -> health::Finding {
    health::Finding {
        kind: kind_to_wit(finding.kind),
        step: finding.step.map(step_to_wit),
        output: finding.output,
        remedy: finding.remedy,
        code: finding.code,
    }
}

fn auth_to_wit(auth: report::Auth) -> health::Auth {
    health::Auth {
        method: match auth.method {
            AuthMethod::Entra => health::AuthMethod::Entra,
            AuthMethod::AccessKey => health::AuthMethod::AccessKey,
        },
        label: auth.label,
        principal: auth.principal,
        expires_at: auth.expires_at,
        fallback_reason: auth.fallback_reason.map(|reason| match reason {
            report::FallbackReason::NotConfigured => health::FallbackReason::NotConfigured,
            report::FallbackReason::Failed(kind) => {
                health::FallbackReason::Failed(kind_to_wit(kind))
            }
        }),
    }
}

fn kind_to_wit(kind: report::Kind) -> health::Kind {
    use report::Kind;
    match kind {
        Kind::Config => health::Kind::Config,
        Kind::Dns => health::Kind::Dns,
        Kind::Connect => health::Kind::Connect,
        Kind::TlsUntrusted => health::Kind::TlsUntrusted,
        Kind::TlsHostname => health::Kind::TlsHostname,
        Kind::TlsExpired => health::Kind::TlsExpired,
        Kind::TlsProtocol => health::Kind::TlsProtocol,
        Kind::TokenUnavailable => health::Kind::TokenUnavailable,
        Kind::TokenRejected => health::Kind::TokenRejected,
        Kind::AuthRejected => health::Kind::AuthRejected,
        Kind::AuthRequired => health::Kind::AuthRequired,
        Kind::PermissionDenied => health::Kind::PermissionDenied,
        Kind::Loading => health::Kind::Loading,
        Kind::ReadOnly => health::Kind::ReadOnly,
        Kind::OutOfMemory => health::Kind::OutOfMemory,
        Kind::Moved => health::Kind::Moved,
        Kind::ServerError => health::Kind::ServerError,
        Kind::Mismatch => health::Kind::Mismatch,
        Kind::Closed => health::Kind::Closed,
        Kind::Timeout => health::Kind::Timeout,
        Kind::Protocol => health::Kind::Protocol,
        Kind::Fallback => health::Kind::Fallback,
        Kind::SecondaryKey => health::Kind::SecondaryKey,
        Kind::TokenExpiring => health::Kind::TokenExpiring,
        Kind::CertificateExpiring => health::Kind::CertificateExpiring,
        // A sample's age is the business of whoever samples; a check never finds itself stale.
        Kind::Internal | Kind::Stale => health::Kind::Internal,
    }
}
