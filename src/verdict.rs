//! Observations in, verdict out. Pure.

use crate::capabilities::{CredentialError, RedisError, Settings, TokenRejected, TokenUnavailable};
use crate::check::{Attempt, Cause, Observations, Trouble};
use crate::remedy::{Circumstances, remedy};
use cache_health_report::{
    Auth, AuthMethod, FallbackReason, Finding, Kind, Report, Status, Step, StepResult,
};
use std::time::Duration;

/// A token that ends sooner than this and could not be renewed is worth a warning, in seconds.
const TOKEN_WARNING: i64 = 5 * 60;
/// A certificate that ends sooner than this is worth a warning, in seconds.
const CERTIFICATE_WARNING: i64 = 14 * 24 * 60 * 60;
/// The label of the key that is only there for rotation.
const SECONDARY: &str = "secondary";

/// Judges what was observed.
pub fn judge(observations: Observations) -> Report {
    let Observations {
        settings,
        trouble,
        attempts,
        wall_clock,
    } = observations;
    let settings = settings.as_ref();
    let last = attempts.last();
    let trouble = trouble.or_else(|| last.and_then(|attempt| attempt.trouble.clone()));

    let failure = trouble.map(|trouble| finding(&trouble, settings, last));
    let warnings = warnings(&attempts, settings, wall_clock);
    let status = match (&failure, warnings.is_empty()) {
        (Some(_), _) => Status::Fail,
        (None, false) => Status::Warn,
        (None, true) => Status::Pass,
    };
    let output = match (&failure, warnings.first()) {
        (Some(failure), _) => failure.output.clone(),
        (None, Some(warning)) => format!("The cache can be used, but: {}", warning.output),
        (None, None) => success(settings, last),
    };
    let steps: Vec<StepResult> = attempts
        .iter()
        .flat_map(|attempt| attempt.steps.clone())
        .collect();
    Report {
        status,
        time: wall_clock,
        age: Duration::ZERO,
        output,
        failure,
        warnings,
        auth: last.and_then(auth),
        tls: attempts
            .iter()
            .rev()
            .find_map(|attempt| attempt.tls.clone()),
        steps,
    }
}

/// What kind of trouble a cause is.
pub fn kind(cause: &Cause) -> Kind {
    match cause {
        Cause::Config(_) | Cause::Credential(CredentialError::Unreadable(_)) => Kind::Config,
        Cause::Credential(CredentialError::TokenUnavailable(_)) => Kind::TokenUnavailable,
        Cause::Credential(CredentialError::TokenRejected(_)) => Kind::TokenRejected,
        Cause::Credential(CredentialError::Other(_)) => Kind::Internal,
        Cause::Mismatch => Kind::Mismatch,
        Cause::Redis(error) => match error {
            RedisError::Dns => Kind::Dns,
            RedisError::Connect => Kind::Connect,
            RedisError::TlsUntrusted => Kind::TlsUntrusted,
            RedisError::TlsHostname => Kind::TlsHostname,
            RedisError::TlsExpired => Kind::TlsExpired,
            RedisError::TlsProtocol => Kind::TlsProtocol,
            RedisError::AuthRejected => Kind::AuthRejected,
            RedisError::AuthRequired => Kind::AuthRequired,
            RedisError::PermissionDenied => Kind::PermissionDenied,
            RedisError::Loading => Kind::Loading,
            RedisError::ReadOnly => Kind::ReadOnly,
            RedisError::OutOfMemory => Kind::OutOfMemory,
            RedisError::Moved { .. } => Kind::Moved,
            RedisError::ServerError(_) => Kind::ServerError,
            RedisError::Closed => Kind::Closed,
            RedisError::Timeout => Kind::Timeout,
            RedisError::Protocol => Kind::Protocol,
            RedisError::Other(_) => Kind::Internal,
        },
    }
}

fn auth(attempt: &Attempt) -> Option<Auth> {
    let facts = attempt.facts.as_ref()?;
    Some(Auth {
        method: attempt.candidate.method,
        label: attempt.candidate.label.clone(),
        principal: facts.principal.clone(),
        expires_at: facts.expires_at,
        fallback_reason: attempt.reason,
    })
}

fn success(settings: Option<&Settings>, attempt: Option<&Attempt>) -> String {
    match (settings, attempt) {
        (Some(settings), Some(attempt)) => format!(
            "{}:{} can be used with {} ({})",
            settings.host,
            settings.port,
            attempt.candidate.method.as_str(),
            attempt.candidate.label
        ),
        _ => "nothing was checked".into(),
    }
}

fn finding(trouble: &Trouble, settings: Option<&Settings>, attempt: Option<&Attempt>) -> Finding {
    let kind = kind(&trouble.cause);
    let facts = attempt.and_then(|attempt| attempt.facts.as_ref());
    let circumstances = Circumstances {
        settings,
        step: trouble.step,
        method: attempt.map(|attempt| attempt.candidate.method),
        label: attempt.map(|attempt| attempt.candidate.label.as_str()),
        principal: facts.and_then(|facts| facts.principal.as_deref()),
        no_such_identity: matches!(
            trouble.cause,
            Cause::Credential(CredentialError::TokenRejected(TokenRejected::Status(400)))
        ),
        ended_ago: match trouble.cause {
            Cause::Credential(CredentialError::TokenRejected(TokenRejected::Expired(ago))) => {
                Some(ago)
            }
            _ => None,
        },
    };
    Finding {
        kind,
        step: trouble.step,
        output: sentence(trouble, settings, attempt),
        remedy: remedy(kind, circumstances),
        code: match &trouble.cause {
            Cause::Redis(RedisError::ServerError(code)) => Some(code.clone()),
            _ => None,
        },
    }
}

/// What happened, in one sentence.
fn sentence(trouble: &Trouble, settings: Option<&Settings>, attempt: Option<&Attempt>) -> String {
    let place = settings.map_or_else(
        || "the cache".to_owned(),
        |settings| format!("{}:{}", settings.host, settings.port),
    );
    let key = settings.map_or("", |settings| settings.key.as_str());
    let who = attempt.map_or_else(|| "the credential".to_owned(), credential_name);
    let command = trouble.step.map_or("the step", command);
    match &trouble.cause {
        Cause::Config(error) | Cause::Credential(CredentialError::Unreadable(error)) => {
            error.message.clone()
        }
        Cause::Credential(CredentialError::TokenUnavailable(reason)) => unavailable(*reason),
        Cause::Credential(CredentialError::TokenRejected(reason)) => rejected(*reason),
        Cause::Credential(CredentialError::Other(text)) => text.clone(),
        Cause::Mismatch => format!("GET {key} did not return the value that was SET"),
        Cause::Redis(error) => match error {
            RedisError::Dns => format!("The host name of {place} does not resolve"),
            RedisError::Connect => format!("{place} refused the connection or is unreachable"),
            RedisError::TlsUntrusted => {
                format!("The certificate of {place} is not from a trusted issuer")
            }
            RedisError::TlsHostname => format!("The certificate of {place} is for another name"),
            RedisError::TlsExpired => format!("The certificate of {place} is outside its dates"),
            RedisError::TlsProtocol => format!("The TLS handshake with {place} failed"),
            RedisError::AuthRejected => format!("Redis refused {who} (WRONGPASS)"),
            RedisError::AuthRequired => {
                format!("Redis wants authentication before {command} (NOAUTH)")
            }
            RedisError::PermissionDenied => {
                format!("Redis does not allow {command} {key} to {who} (NOPERM)")
            }
            RedisError::Loading => "Redis is loading its data set (LOADING)".into(),
            RedisError::ReadOnly => format!("{place} is a replica that takes no writes (READONLY)"),
            RedisError::OutOfMemory => "Redis is out of memory (OOM)".into(),
            RedisError::Moved { slot, endpoint } => {
                format!("The key {key} (slot {slot}) lives on {endpoint} (MOVED)")
            }
            RedisError::ServerError(code) => format!("Redis answered {command} with {code}"),
            RedisError::Closed => format!("{place} ended the connection during {command}"),
            RedisError::Timeout => format!("{place} did not answer {command} in time"),
            RedisError::Protocol => format!("{place} answered {command} with what is not Redis"),
            RedisError::Other(text) => text.clone(),
        },
    }
}

fn command(step: Step) -> &'static str {
    match step {
        Step::Dns => "the look-up of its name",
        Step::Tcp | Step::Connect => "the connection attempt",
        Step::Tls => "the TLS handshake",
        Step::Token => "the request for a token",
        Step::Auth => "AUTH",
        Step::Set => "SET",
        Step::Get => "GET",
    }
}

fn credential_name(attempt: &Attempt) -> String {
    let principal = attempt
        .facts
        .as_ref()
        .and_then(|facts| facts.principal.as_deref());
    match (attempt.candidate.method, principal) {
        (AuthMethod::Entra, Some(principal)) => format!("the Entra token of {principal}"),
        (AuthMethod::Entra, None) => "the Entra token".into(),
        (AuthMethod::AccessKey, _) => format!("the {} access key", attempt.candidate.label),
    }
}

fn unavailable(reason: TokenUnavailable) -> String {
    match reason {
        TokenUnavailable::Unreachable => "The identity endpoint cannot be reached".into(),
        TokenUnavailable::Timeout => "The identity endpoint did not answer in time".into(),
        TokenUnavailable::Status(status) => format!("The identity endpoint answered {status}"),
        TokenUnavailable::NotAToken => {
            "The identity endpoint answered with what is not a token response".into()
        }
    }
}

fn rejected(reason: TokenRejected) -> String {
    match reason {
        TokenRejected::Status(status) => {
            format!("The identity endpoint refused to hand out a token ({status})")
        }
        TokenRejected::NotAJwt => "The token is not a JSON Web Token".into(),
        TokenRejected::NoObjectId => "The token has no oid claim to take as the user name".into(),
        TokenRejected::Expired(ago) => format!(
            "The token had ended {} before it was handed out, by this machine's clock",
            length(ago)
        ),
    }
}

/// A length of time as people say it.
fn length(seconds: i64) -> String {
    match seconds {
        ..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3600),
    }
}

fn warnings(attempts: &[Attempt], settings: Option<&Settings>, now: i64) -> Vec<Finding> {
    let mut warnings = Vec::new();
    let Some(last) = attempts.last() else {
        return warnings;
    };
    let warning = |kind: Kind, step: Option<Step>, output: String, remedy_of: Kind| Finding {
        kind,
        step,
        output,
        remedy: remedy(
            remedy_of,
            Circumstances {
                settings,
                step,
                method: Some(last.candidate.method),
                label: Some(&last.candidate.label),
                principal: None,
                no_such_identity: false,
                ended_ago: None,
            },
        ),
        code: None,
    };
    let used_key = last.candidate.method == AuthMethod::AccessKey;

    if used_key {
        let entra = attempts
            .iter()
            .find(|attempt| attempt.candidate.method == AuthMethod::Entra);
        let tried = entra.and_then(|a| a.trouble.as_ref().map(|trouble| (a, trouble)));
        match (tried, attempts[0].reason) {
            (Some((attempt, trouble)), _) => {
                // What would mend Entra is the better advice than what would silence this.
                let cause = finding(trouble, settings, Some(attempt));
                let output = format!("An access key is used in place of Entra: {}", cause.output);
                warnings.push(Finding {
                    remedy: cause.remedy,
                    ..warning(Kind::Fallback, cause.step, output, Kind::Fallback)
                });
            }
            (None, Some(FallbackReason::Failed(kind))) => warnings.push(warning(
                Kind::Fallback,
                None,
                format!("An access key is used: Entra failed less than a minute ago ({kind})"),
                kind,
            )),
            (None, Some(FallbackReason::NotConfigured)) => warnings.push(warning(
                Kind::Fallback,
                None,
                "An access key is used because no Entra identity is configured".into(),
                Kind::Fallback,
            )),
            (None, None) => {}
        }
    }
    if let Some(trouble) = &last.cold_trouble {
        let cause = finding(trouble, settings, Some(last));
        let output = format!(
            "The kept connection works, but a new one cannot be used: {}",
            cause.output
        );
        warnings.push(Finding { output, ..cause });
    }
    if used_key && last.candidate.label == SECONDARY {
        warnings.push(warning(
            Kind::SecondaryKey,
            Some(Step::Auth),
            "The secondary access key is used".into(),
            Kind::SecondaryKey,
        ));
    }
    if let Some(facts) = &last.facts
        && facts.renewal_failure.is_some()
        && facts
            .expires_at
            .is_some_and(|end| end.saturating_sub(now) < TOKEN_WARNING)
    {
        warnings.push(warning(
            Kind::TokenExpiring,
            Some(Step::Token),
            "The token ends in less than five minutes and could not be renewed".into(),
            Kind::TokenExpiring,
        ));
    }
    if let Some(tls) = last.tls.as_ref().filter(|_| last.trouble.is_none()) {
        let left = tls.not_after.saturating_sub(now);
        let found = if left <= 0 {
            // Only a connection from before its end still works.
            let output = "The server's certificate has ended: the kept connection works, and no new \
                          one can be made";
            Some((Kind::TlsExpired, output))
        } else if left < CERTIFICATE_WARNING {
            let output = "The server's certificate ends in less than fourteen days";
            Some((Kind::CertificateExpiring, output))
        } else {
            None
        };
        // A new connection that was tried has said so already.
        let said = |kind| {
            warnings
                .iter()
                .any(|finding: &Finding| finding.kind == kind)
        };
        if let Some((kind, output)) = found.filter(|(kind, _)| !said(*kind)) {
            warnings.push(warning(kind, Some(Step::Tls), output.into(), kind));
        }
    }
    warnings
}
