//! What was observed in a check: all that a verdict is made of.

use crate::capabilities::{Candidate, CredentialFacts, Settings};
use cache_health_report::{Evidence, Failure, FallbackReason, Kind, Step, StepResult, Tls};

/// A failure and where it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What went wrong.
    pub failure: Failure,
    /// None when no step was reached.
    pub step: Option<Step>,
}

impl Trouble {
    /// Trouble of this kind, with nothing else seen.
    pub fn of(kind: Kind, step: Option<Step>) -> Self {
        Self {
            failure: Failure::of(kind),
            step,
        }
    }

    /// What kind of trouble it is.
    pub fn kind(&self) -> Kind {
        self.failure.kind
    }

    /// Whether somebody meant it to work. The address that every machine may ask for its identity was never configured.
    pub fn was_configured(&self) -> bool {
        self.failure.evidence.get("identity.problem") != Some("no-endpoint")
    }
}

/// What was observed with one candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub candidate: Candidate,
    /// Why this candidate and not a more preferred one.
    pub reason: Option<FallbackReason>,
    /// Known once the credential was had.
    pub facts: Option<CredentialFacts>,
    pub steps: Vec<StepResult>,
    pub tls: Option<Tls>,
    /// What was seen of the connection and the credential.
    pub evidence: Evidence,
    pub trouble: Option<Trouble>,
    /// Why no new connection can be used, though the kept one can.
    pub new_connection_trouble: Option<Trouble>,
}

impl Attempt {
    /// Nothing observed yet.
    pub fn with(candidate: Candidate, reason: Option<FallbackReason>) -> Self {
        Self {
            candidate,
            reason,
            facts: None,
            steps: Vec::new(),
            tls: None,
            evidence: Evidence::new(),
            trouble: None,
            new_connection_trouble: None,
        }
    }
}

/// Everything that was observed in one check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observations {
    /// None when the provider did not say, with the reason in `trouble`.
    pub settings: Option<Settings>,
    /// Trouble before any candidate was tried.
    pub trouble: Option<Trouble>,
    /// In the order they were tried; the last one decides.
    pub attempts: Vec<Attempt>,
    /// When the check ended, in seconds since 1970-01-01T00:00:00Z.
    pub wall_clock: i64,
}
