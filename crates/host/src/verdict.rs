//! Asking the component for a verdict; when it gives none, that is a verdict too.

use crate::clock;
use crate::component::Health;
use cache_health_report::{Document, Failure, Kind, Report};
use tracing::{error, info};

/// What a check is to prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// That the cache can be used.
    Kept,
    /// Also that a new connection can be made, beside the kept one.
    NewConnection,
}

/// Makes a check, or joins one under way in the component.
pub async fn fresh(health: &Health, proof: Proof) -> Report {
    match health.check(proof == Proof::NewConnection).await {
        Ok(report) => report,
        Err(error) => {
            error!(%error, "no verdict");
            internal(&error.to_string())
        }
    }
}

/// The line of the log that says a verdict (`docs/reference/log.md`).
pub fn log(document: &Document) {
    let failure = document.failure.as_ref();
    let step = failure.and_then(|failure| failure.step);
    info!(
        status = document.status.as_str(),
        failure = failure.map_or("", |failure| failure.kind.as_str()),
        step = step.map_or("", |step| step.as_str()),
        output = document.output,
        "verdict"
    );
}

/// A fault of our own.
pub fn internal(problem: &str) -> Report {
    failure(&Failure::of(Kind::Internal).with("problem", problem))
}

/// A failure that no check found.
pub fn failure(failure: &Failure) -> Report {
    Report::failure(
        cache_health_diagnosis::without_a_check(failure),
        clock::wall_seconds(),
    )
}
