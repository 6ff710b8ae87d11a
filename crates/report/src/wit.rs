//! Reports as the WIT interface `health` has them, in the words of this crate.
//!
//! Each side of the interface has types of its own generator's (wit-bindgen's in the HTTP front,
//! wasmtime's in the own host), alike in their names and in nothing else. A macro over the module
//! that they are in keeps the conversion in one place.

/// Defines `report_from_wit`, which converts a report. `$health` is the module with the generated
/// types of `cache-health:probe/health`.
#[macro_export]
macro_rules! convert_report {
    ($health:path) => {
        use std::time::Duration;
        use $crate::{
            Auth, AuthMethod, FallbackReason, Finding, Kind, Report, Status, Step, StepResult, Tls,
        };
        use $health as health;

        /// A report as `health` gives it.
        pub fn report_from_wit(wit: health::Report) -> Report {
            Report {
                status: status_from_wit(wit.status),
                time: wit.time,
                age: Duration::from_nanos(wit.age),
                output: wit.output,
                failure: wit.failure.map(finding_from_wit),
                warnings: wit.warnings.into_iter().map(finding_from_wit).collect(),
                auth: wit.auth.map(auth_from_wit),
                tls: wit.tls.map(|tls| Tls {
                    protocol: tls.protocol,
                    cipher: tls.cipher,
                    issuer: tls.issuer,
                    names: tls.names,
                    not_after: tls.not_after,
                    verified: tls.verified,
                }),
                steps: wit
                    .steps
                    .into_iter()
                    .map(|result| StepResult {
                        step: step_from_wit(result.step),
                        status: status_from_wit(result.status),
                        duration: Duration::from_nanos(result.duration),
                    })
                    .collect(),
            }
        }

        fn status_from_wit(wit: health::Status) -> Status {
            match wit {
                health::Status::Pass => Status::Pass,
                health::Status::Warn => Status::Warn,
                health::Status::Fail => Status::Fail,
            }
        }

        fn step_from_wit(wit: health::Step) -> Step {
            match wit {
                health::Step::RedisDns => Step::Dns,
                health::Step::RedisTcp => Step::Tcp,
                health::Step::RedisTls => Step::Tls,
                health::Step::IdentityToken => Step::Token,
                health::Step::RedisAuth => Step::Auth,
                health::Step::RedisConnect => Step::Connect,
                health::Step::RedisSet => Step::Set,
                health::Step::RedisGet => Step::Get,
            }
        }

        fn finding_from_wit(wit: health::Finding) -> Finding {
            Finding {
                kind: kind_from_wit(wit.kind),
                step: wit.step.map(step_from_wit),
                output: wit.output,
                remedy: wit.remedy,
                code: wit.code,
            }
        }

        fn auth_from_wit(wit: health::Auth) -> Auth {
            Auth {
                method: match wit.method {
                    health::AuthMethod::Entra => AuthMethod::Entra,
                    health::AuthMethod::AccessKey => AuthMethod::AccessKey,
                },
                label: wit.label,
                principal: wit.principal,
                expires_at: wit.expires_at,
                fallback_reason: wit.fallback_reason.map(|reason| match reason {
                    health::FallbackReason::NotConfigured => FallbackReason::NotConfigured,
                    health::FallbackReason::Failed(kind) => {
                        FallbackReason::Failed(kind_from_wit(kind))
                    }
                }),
            }
        }

        fn kind_from_wit(wit: health::Kind) -> Kind {
            match wit {
                health::Kind::Config => Kind::Config,
                health::Kind::Dns => Kind::Dns,
                health::Kind::Connect => Kind::Connect,
                health::Kind::TlsUntrusted => Kind::TlsUntrusted,
                health::Kind::TlsHostname => Kind::TlsHostname,
                health::Kind::TlsExpired => Kind::TlsExpired,
                health::Kind::TlsProtocol => Kind::TlsProtocol,
                health::Kind::TokenUnavailable => Kind::TokenUnavailable,
                health::Kind::TokenRejected => Kind::TokenRejected,
                health::Kind::AuthRejected => Kind::AuthRejected,
                health::Kind::AuthRequired => Kind::AuthRequired,
                health::Kind::PermissionDenied => Kind::PermissionDenied,
                health::Kind::Loading => Kind::Loading,
                health::Kind::ReadOnly => Kind::ReadOnly,
                health::Kind::OutOfMemory => Kind::OutOfMemory,
                health::Kind::Moved => Kind::Moved,
                health::Kind::ServerError => Kind::ServerError,
                health::Kind::Mismatch => Kind::Mismatch,
                health::Kind::Closed => Kind::Closed,
                health::Kind::Timeout => Kind::Timeout,
                health::Kind::Protocol => Kind::Protocol,
                health::Kind::Internal => Kind::Internal,
                health::Kind::Fallback => Kind::Fallback,
                health::Kind::SecondaryKey => Kind::SecondaryKey,
                health::Kind::TokenExpiring => Kind::TokenExpiring,
                health::Kind::CertificateExpiring => Kind::CertificateExpiring,
            }
        }
    };
}
