//! Observations in, verdict out. Pure.

use crate::capabilities::{Candidate, CredentialFacts, Settings};
use crate::observations::{Attempt, Observations, Trouble};
use cache_health_diagnosis::{Case, Service, Spelling};
use cache_health_report::{
    Auth, AuthMethod, Evidence, Failure, FallbackReason, Finding, Kind, Report, Status, Step,
    StepResult,
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
    let words = Words::about(&observations);
    let attempts = &observations.attempts;
    let last = attempts.last();
    let trouble = observations
        .trouble
        .as_ref()
        .or_else(|| last.and_then(|attempt| attempt.trouble.as_ref()));

    let failure = trouble.map(|trouble| words.finding(trouble, last));
    let mut warnings = last.map_or_else(Vec::new, |last| {
        words.warnings(attempts, last, observations.wall_clock)
    });
    let settings = observations.settings.iter();
    let configured = settings.flat_map(|settings| &settings.warnings);
    warnings.extend(configured.map(|warning| words.of_the_configuration(warning)));
    let status = match (&failure, warnings.is_empty()) {
        (Some(_), _) => Status::Fail,
        (None, false) => Status::Warn,
        (None, true) => Status::Pass,
    };
    let output = match (&failure, warnings.first()) {
        (Some(failure), _) => failure.output.clone(),
        (None, Some(warning)) => format!("The cache can be used, but: {}", warning.output),
        (None, None) => success(last),
    };
    let (mut steps, mut tls) = (Vec::<StepResult>::new(), None);
    let mut attempts = observations.attempts;
    for attempt in &mut attempts {
        steps.append(&mut attempt.steps);
        tls = attempt.tls.take().or(tls);
    }
    let (mut evidence, last) = (words.check, attempts.pop());
    let auth = last.and_then(|last| {
        evidence.extend(last.evidence);
        Some(auth(last.candidate, last.facts?, last.reason))
    });
    Report {
        status,
        time: observations.wall_clock,
        age: Duration::ZERO,
        output,
        failure,
        warnings,
        auth,
        tls,
        steps,
        evidence,
    }
}

fn auth(
    candidate: Candidate,
    facts: CredentialFacts,
    fallback_reason: Option<FallbackReason>,
) -> Auth {
    Auth {
        method: candidate.method,
        label: candidate.label,
        principal: facts.principal,
        expires_at: facts.expires_at,
        fallback_reason,
    }
}

fn success(attempt: Option<&Attempt>) -> String {
    match attempt {
        Some(attempt) => format!(
            "$REDIS_HOST:$REDIS_PORT can be used with {} ({})",
            attempt.candidate.method.as_str(),
            attempt.candidate.label
        ),
        None => "nothing was checked".into(),
    }
}

/// What is known of the check as a whole, for the words of each finding.
struct Words {
    check: Evidence,
    spelling: Spelling,
}

impl Words {
    fn about(observations: &Observations) -> Self {
        let mut check = Evidence::new();
        if let Some(settings) = &observations.settings {
            about_the_cache(&mut check, settings);
        }
        let mut principals = observations.attempts.iter().filter_map(|attempt| {
            let facts = attempt.facts.as_ref()?;
            facts.principal.as_deref()
        });
        if let Some(principal) = principals.next_back() {
            check.set("identity.principalId", principal);
        }
        let spelling = observations.settings.as_ref();
        Self {
            check,
            spelling: spelling.map_or_else(Spelling::default, |settings| settings.spelling),
        }
    }

    /// What went wrong with a candidate, or before any was tried.
    fn finding(&self, trouble: &Trouble, attempt: Option<&Attempt>) -> Finding {
        let mut seen = trouble.failure.evidence.clone();
        if let Some(attempt) = attempt {
            seen.extend(attempt.evidence.clone());
        }
        cache_health_diagnosis::finding(&Case {
            kind: trouble.failure.kind,
            step: trouble.step,
            method: attempt.map(|attempt| attempt.candidate.method),
            label: attempt.map(|attempt| attempt.candidate.label.as_str()),
            seen: &seen,
            check: &self.check,
            spelling: self.spelling,
        })
    }

    /// A warning of a kind of its own.
    fn warning(&self, kind: Kind, step: Step, last: &Attempt) -> Finding {
        let trouble = Trouble::of(kind, Some(step));
        self.finding(&trouble, Some(last))
    }

    /// What is wrong with the configuration and stops nothing.
    fn of_the_configuration(&self, warning: &Failure) -> Finding {
        let trouble = Trouble {
            failure: warning.clone(),
            step: None,
        };
        self.finding(&trouble, None)
    }

    /// What stood around a key and was left out.
    fn key(&self, last: &Attempt) -> Option<Finding> {
        let problem = cache_health_diagnosis::left_out(last.evidence.get("key.removed")?);
        let variable = last.evidence.get("key.variable")?;
        let warning = Failure::of(Kind::Config)
            .with("config.variable", variable)
            .with("config.problem", problem);
        Some(self.of_the_configuration(&warning))
    }

    fn warnings(&self, attempts: &[Attempt], last: &Attempt, now: i64) -> Vec<Finding> {
        let mut warnings = Vec::new();
        warnings.extend(self.passed_over(attempts, last));
        warnings.extend(self.fallback(attempts, last));
        warnings.extend(self.new_connection(last));
        let secondary =
            last.candidate.label == SECONDARY && last.candidate.method == AuthMethod::AccessKey;
        if secondary {
            warnings.push(self.warning(Kind::SecondaryKey, Step::Auth, last));
        }
        warnings.extend(self.token(last, now));
        warnings.extend(self.key(last));
        // A new connection that was tried has said so already.
        let ended = self.certificate(last, now);
        let said = |kind| {
            warnings
                .iter()
                .any(|finding: &Finding| finding.kind == kind)
        };
        warnings.extend(ended.filter(|finding| !said(finding.kind)));
        warnings
    }

    /// Identities that are configured and gave no token, where a later one did. The address that every machine may ask,
    /// and where nobody answers, was never configured.
    fn passed_over(&self, attempts: &[Attempt], last: &Attempt) -> Vec<Finding> {
        if last.candidate.method != AuthMethod::Entra {
            return Vec::new();
        }
        let used = &last.candidate.label;
        let earlier = attempts.iter().take(attempts.len() - 1);
        let failed = earlier.filter_map(|a| Some((a, a.trouble.as_ref()?)));
        failed
            .filter(|(_, trouble)| trouble.was_configured())
            .map(|(attempt, trouble)| {
                let cause = self.finding(trouble, Some(attempt));
                let label = &attempt.candidate.label;
                let output = format!("{used} is used in place of {label}: {}", cause.output);
                Finding { output, ..cause }
            })
            .collect()
    }

    /// An access key in place of Entra.
    fn fallback(&self, attempts: &[Attempt], last: &Attempt) -> Option<Finding> {
        if last.candidate.method != AuthMethod::AccessKey {
            return None;
        }
        let entra = attempts
            .iter()
            .find(|attempt| attempt.candidate.method == AuthMethod::Entra);
        let tried = entra.and_then(|a| a.trouble.as_ref().map(|trouble| (a, trouble)));
        match (tried, attempts[0].reason) {
            (Some((attempt, trouble)), _) => {
                // What would mend Entra is the better advice than what would silence this.
                let cause = self.finding(trouble, Some(attempt));
                let output = format!("An access key is used in place of Entra: {}", cause.output);
                Some(Finding {
                    kind: Kind::Fallback,
                    output,
                    ..cause
                })
            }
            (None, Some(FallbackReason::Failed(kind))) => {
                let cause = self.finding(&Trouble::of(kind, None), None);
                let output =
                    format!("An access key is used: Entra failed less than a minute ago ({kind})");
                Some(Finding {
                    kind: Kind::Fallback,
                    output,
                    ..cause
                })
            }
            (None, Some(FallbackReason::NotConfigured)) => {
                Some(self.finding(&Trouble::of(Kind::Fallback, None), Some(last)))
            }
            (None, None) => None,
        }
    }

    /// A new connection that cannot be used beside a kept one that can.
    fn new_connection(&self, last: &Attempt) -> Option<Finding> {
        let cause = self.finding(last.new_connection_trouble.as_ref()?, Some(last));
        let output = format!(
            "The kept connection works, but a new one cannot be used: {}",
            cause.output
        );
        Some(Finding { output, ..cause })
    }

    fn token(&self, last: &Attempt, now: i64) -> Option<Finding> {
        let facts = last.facts.as_ref()?;
        let failure = facts.renewal_failure.as_ref()?;
        let left = facts.expires_at?.saturating_sub(now);
        (left < TOKEN_WARNING).then(|| {
            let mut finding = self.warning(Kind::TokenExpiring, Step::Token, last);
            finding.evidence.extend(failure.evidence.clone());
            finding
        })
    }

    fn certificate(&self, last: &Attempt, now: i64) -> Option<Finding> {
        if last.trouble.is_some() {
            return None;
        }
        let left = last.tls.as_ref()?.not_after.saturating_sub(now);
        if left <= 0 {
            // Only a connection from before its end still works.
            let output = "The server's certificate has ended: the kept connection works, and no new \
                          one can be made";
            return Some(Finding {
                output: output.into(),
                ..self.warning(Kind::TlsExpired, Step::Tls, last)
            });
        }
        (left < CERTIFICATE_WARNING)
            .then(|| self.warning(Kind::CertificateExpiring, Step::Tls, last))
    }
}

fn about_the_cache(check: &mut Evidence, settings: &Settings) {
    check.set("redis.host", &settings.host);
    check.set("redis.port", settings.port.to_string());
    check.set("redis.key", &settings.health_key);
    if let Some(name) = Service::of(&settings.host).name() {
        check.set("redis.name", name);
    }
}
