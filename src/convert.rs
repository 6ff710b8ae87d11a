//! Every generated type into our own words and back, here and nowhere else. Names of vocabularies that are not known are
//! taken as the WIT says; what a provider passes as evidence is cut and cleaned.

use crate::attempt::Proof;
use crate::bindings::cache_health::capabilities::{credentials, redis, settings};
use crate::bindings::exports::cache_health::probe::health;
use crate::capabilities::{
    AuthPolicy, Candidate, ConnectFailure, CredentialFacts, Origin, Session, Settings,
};
use crate::flight::Asked;
use cache_health_diagnosis::Spelling;
use cache_health_report as report;
use report::{AuthMethod, Failure, Kind, Step, Tls};
use std::time::Duration;

/// A new connection is always proved anew.
pub fn asked(options: health::CheckOptions) -> Asked {
    match options {
        options if options.new_connection => Asked::Fresh(Proof::NewConnection),
        options if options.fresh => Asked::Fresh(Proof::Kept),
        _ => Asked::Recent,
    }
}

pub fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

pub fn failure_from_wit(wit: settings::Failure) -> Failure {
    Failure {
        kind: Kind::of(&wit.code),
        evidence: wit.evidence.into(),
    }
}

pub fn settings_from_wit(wit: settings::Settings) -> Result<Settings, Failure> {
    let auth = match wit.auth.as_str() {
        "auto" => AuthPolicy::Auto,
        "entra" => AuthPolicy::Entra,
        "access-key" => AuthPolicy::AccessKey,
        // A credential that was not meant must not be tried.
        _ => {
            return Err(Failure::of(Kind::Config)
                .with("config.variable", "REDIS_AUTH")
                .with(
                    "config.problem",
                    "is a policy that this component does not know",
                ));
        }
    };
    Ok(Settings {
        auth,
        deadline: Duration::from_nanos(wit.deadline),
        max_age: Duration::from_nanos(wit.max_age),
        host: wit.host,
        port: wit.port,
        health_key: wit.health_key,
        spelling: Spelling::of(&wit.spelling),
        warnings: wit.warnings.into_iter().map(failure_from_wit).collect(),
    })
}

/// None for a method that is not known: it is left out.
pub fn candidate_from_wit(wit: credentials::Candidate) -> Option<Candidate> {
    Some(Candidate {
        id: wit.id,
        method: AuthMethod::of(&wit.method)?,
        label: wit.label,
    })
}

pub fn facts_from_wit(wit: credentials::Description) -> CredentialFacts {
    CredentialFacts {
        principal: wit.principal,
        expires_at: wit.expires_at,
        renewal_failure: wit.renewal_failure.map(failure_from_wit),
        evidence: wit.evidence.into(),
    }
}

pub fn connect_failure_from_wit(wit: redis::ConnectFailure) -> ConnectFailure {
    ConnectFailure {
        failure: failure_from_wit(wit.failure),
        step: step_from_wit(&wit.step),
        session: wit.session.map(session_from_wit).unwrap_or_default(),
    }
}

pub fn session_from_wit(wit: redis::Session) -> Session {
    let step = |time: redis::StepTime| {
        (
            step_from_wit(&time.step),
            Duration::from_nanos(time.duration),
        )
    };
    Session {
        steps: wit.steps.into_iter().map(step).collect(),
        origin: match wit.origin.as_str() {
            "kept" => Origin::Kept,
            "unclaimed" => Origin::Unclaimed,
            _ => Origin::New,
        },
        tls: wit.tls.map(|tls| Tls {
            protocol: tls.protocol,
            cipher: tls.cipher,
            issuer: tls.issuer,
            names: tls.names,
            not_after: tls.not_after,
            verified: tls.verified,
        }),
        evidence: wit.evidence.into(),
    }
}

fn step_from_wit(wit: &str) -> Step {
    match wit {
        "dns" => Step::Dns,
        "tcp" => Step::Tcp,
        "tls" => Step::Tls,
        "auth" => Step::Auth,
        _ => Step::Connect,
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
                step: result.step.as_str().to_owned(),
                status: status_to_wit(result.status),
                duration: nanoseconds(result.duration),
            })
            .collect(),
        evidence: report.evidence.into_list(),
    }
}

fn status_to_wit(status: report::Status) -> health::Status {
    match status {
        report::Status::Pass => health::Status::Pass,
        report::Status::Warn => health::Status::Warn,
        report::Status::Fail => health::Status::Fail,
    }
}

fn finding_to_wit(finding: report::Finding) -> health::Finding {
    health::Finding {
        kind: finding.kind.as_str().to_owned(),
        step: finding.step.map(|step| step.as_str().to_owned()),
        output: finding.output,
        remedy: finding.remedy,
        evidence: finding.evidence.into_list(),
    }
}

fn auth_to_wit(auth: report::Auth) -> health::Auth {
    health::Auth {
        method: auth.method.as_str().to_owned(),
        label: auth.label,
        principal: auth.principal,
        expires_at: auth.expires_at,
        fallback_reason: auth
            .fallback_reason
            .map(|reason| reason.as_str().to_owned()),
    }
}
