//! The words of a failure: what happened, and what to do about it, decided by what was seen. Pure.
//!
//! [`sentence`] says what happened, [`remedy`] what to do. Both leave values out: `$REDIS_HOST` and the like stand in
//! their place, and `cache-health-report` fills them in where details may be seen. Each file of [`remedy`] is a table for
//! one step of the way: what is known on the left, one cure on the right.
//!
//! The health component words its findings here. A host does so only for what no component can answer: a configuration
//! that cannot be used at the start, a sample that is too old, a trap.

mod remedy;
mod sentence;
mod service;
mod spelling;

pub use sentence::left_out;
pub use service::Service;
pub use spelling::Spelling;

use cache_health_report::{AuthMethod, Evidence, Failure, Finding, Kind, Step};

/// A failure, and what is known around it.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// What it is.
    pub kind: Kind,
    /// Where it was found.
    pub step: Option<Step>,
    /// How the credential in use authenticates.
    pub method: Option<AuthMethod>,
    /// Where the credential in use comes from, as its provider calls it.
    pub label: Option<&'a str>,
    /// What was seen before it failed.
    pub seen: &'a Evidence,
    /// What is known of the check as a whole: `redis.host`, `redis.port`, `redis.key`.
    pub check: &'a Evidence,
    /// How the user of this host knows a setting.
    pub spelling: Spelling,
}

impl<'a> Case<'a> {
    /// A failure of which nothing else is known.
    pub fn of(kind: Kind, seen: &'a Evidence) -> Self {
        Self {
            kind,
            step: None,
            method: None,
            label: None,
            seen,
            check: NOTHING,
            spelling: Spelling::Environment,
        }
    }

    /// A value that was seen, in this failure or around it.
    pub(crate) fn value(&self, name: &str) -> Option<&'a str> {
        self.seen.get(name).or_else(|| self.check.get(name))
    }

    /// Whether a value is this.
    pub(crate) fn is(&self, name: &str, value: &str) -> bool {
        self.value(name) == Some(value)
    }

    /// Which of Azure's services the host name belongs to.
    pub(crate) fn service(&self) -> Service<'a> {
        Service::of(self.check.get("redis.host").unwrap_or_default())
    }
}

static NOTHING: &Evidence = &Evidence::new();

/// What happened, and what to do about it.
pub fn finding(case: &Case<'_>) -> Finding {
    Finding {
        kind: case.kind,
        step: case.step,
        output: sentence::sentence(case),
        remedy: remedy(case),
        evidence: case.seen.clone(),
    }
}

/// What to do about it.
pub fn remedy(case: &Case<'_>) -> String {
    case.spelling.spell(remedy::remedy(case).trim_end())
}

/// A failure that no check found.
pub fn without_a_check(failure: &Failure) -> Finding {
    finding(&Case::of(failure.kind, &failure.evidence))
}

#[cfg(test)]
mod tests;
