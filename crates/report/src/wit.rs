//! Reports as the WIT interface `health` has them, in the words of this crate.
//!
//! Each side of the interface has types of its own generator's (wit-bindgen's in the HTTP component,
//! wasmtime's in the standalone host), alike in their names and in nothing else. A macro over the module
//! that they are in keeps the conversion in one place.

/// Defines `report_from_wit`, which converts a report. `$health` is the module with the generated
/// types of `cache-health:probe/health`. Names that are not known are taken as the vocabularies say: kinds as
/// `internal`; steps and methods are left out.
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
                auth: wit.auth.and_then(auth_from_wit),
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
                    .filter_map(step_result_from_wit)
                    .collect(),
                evidence: wit.evidence.into(),
            }
        }

        fn status_from_wit(wit: health::Status) -> Status {
            match wit {
                health::Status::Pass => Status::Pass,
                health::Status::Warn => Status::Warn,
                health::Status::Fail => Status::Fail,
            }
        }

        fn step_result_from_wit(wit: health::StepResult) -> Option<StepResult> {
            Some(StepResult {
                step: Step::of(&wit.step)?,
                status: status_from_wit(wit.status),
                duration: Duration::from_nanos(wit.duration),
            })
        }

        fn finding_from_wit(wit: health::Finding) -> Finding {
            Finding {
                kind: Kind::of(&wit.kind),
                step: wit.step.as_deref().and_then(Step::of),
                output: wit.output,
                remedy: wit.remedy,
                evidence: wit.evidence.into(),
            }
        }

        fn auth_from_wit(wit: health::Auth) -> Option<Auth> {
            Some(Auth {
                method: AuthMethod::of(&wit.method)?,
                label: wit.label,
                principal: wit.principal,
                expires_at: wit.expires_at,
                fallback_reason: wit.fallback_reason.as_deref().map(FallbackReason::of),
            })
        }
    };
}
