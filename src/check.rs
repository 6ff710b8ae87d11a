//! Makes the observations of a check: one candidate after the other, each within the deadline.

use crate::attempt::{Check, Probe, Proof};
use crate::capabilities::{Candidate, Capabilities, Settings};
use crate::deadline::{Deadline, within};
use crate::observations::{Attempt, Observations, Trouble};
use crate::policy;
use cache_health_report::{AuthMethod, Failure, FallbackReason, Kind};
use std::time::Duration;

/// How long the provider may take to say what the settings are. They cost no network, so this
/// is only there for a host that never answers.
const SETTINGS_LIMIT: Duration = Duration::from_secs(5);

/// Makes all the observations of one check. `paused`: why Entra is left out for now.
pub async fn observe<C: Capabilities>(
    host: &C,
    paused: Option<Kind>,
    proof: Proof,
) -> Observations {
    let mut observations = Observations::default();
    observations.trouble = observe_all(host, paused, proof, &mut observations)
        .await
        .err();
    observations.wall_clock = host.wall_clock();
    observations
}

/// What the provider says the settings are; none when it does not say.
pub async fn settings<C: Capabilities>(host: &C) -> Option<Result<Settings, Failure>> {
    within(host, SETTINGS_LIMIT, host.settings()).await
}

/// The error is trouble before any candidate was tried.
async fn observe_all<C: Capabilities>(
    host: &C,
    paused: Option<Kind>,
    proof: Proof,
    observations: &mut Observations,
) -> Result<(), Trouble> {
    let silent = || Trouble::of(Kind::Timeout, None);
    let nowhere = |failure| Trouble {
        failure,
        step: None,
    };
    let settings = settings(host).await.ok_or_else(silent)?.map_err(nowhere)?;
    let (auth, deadline) = (settings.auth, Deadline::after(host, settings.deadline));
    observations.settings = Some(settings);
    let configured = deadline
        .within(host.candidates())
        .await
        .ok_or_else(silent)?;

    let entra_configured = configured.iter().any(|c| c.method == AuthMethod::Entra);
    let plan = policy::plan(auth, configured, paused);
    let first = plan.first().ok_or_else(|| nowhere(no_credential()))?;
    let reason = policy::initial_reason(auth, first, entra_configured, paused);
    let check = Check {
        host,
        deadline: &deadline,
        proof,
    };
    observations.attempts = attempts(&check, plan, reason).await;
    Ok(())
}

fn no_credential() -> Failure {
    Failure::of(Kind::Config)
        .with("config.variable", "REDIS_ACCESS_KEY")
        .with(
            "config.problem",
            "is not set, and no other credential is configured that REDIS_AUTH allows",
        )
}

/// One candidate after the other, for as long as the policy allows the next.
async fn attempts<C: Capabilities>(
    check: &Check<'_, '_, C>,
    mut plan: Vec<Candidate>,
    mut reason: Option<FallbackReason>,
) -> Vec<Attempt> {
    let mut attempts = Vec::new();
    while !plan.is_empty() {
        let mut attempt = Attempt::with(plan.remove(0), reason);
        let probe = Probe::of(check, &mut attempt);
        let trouble = probe.run(&plan).await.err();
        plan = match &trouble {
            Some(trouble) => policy::next(&attempt.candidate, trouble, &plan),
            None => Vec::new(),
        };
        let failed = trouble.as_ref().filter(|trouble| trouble.was_configured());
        reason = failed.map(|trouble| FallbackReason::Failed(trouble.kind()));
        attempt.trouble = trouble;
        attempts.push(attempt);
    }
    attempts
}

#[cfg(test)]
mod tests;
