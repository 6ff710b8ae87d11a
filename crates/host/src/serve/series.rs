//! Samples and what they mean for readiness. Pure.

use crate::sample::Sample;
use crate::verdict;
use cache_health_provider::Config;
use cache_health_report::probe::Verdict;
use cache_health_report::{Document, Failure, Kind, ReadinessPolicy, Status, View};
use std::sync::Arc;
use std::time::Duration;

/// How many intervals old a sample may be.
const STALE_INTERVALS: u32 = 3;
/// What a sample may take on top of its deadline.
const GRACE: Duration = Duration::from_secs(1);

/// How samples are judged.
#[derive(Clone, Copy, Debug)]
pub struct Judgement {
    policy: ReadinessPolicy,
    /// Samples in a row with a failure that counts before readiness is lost.
    failures: u32,
    /// How old the newest sample may be.
    pub stale_after: Duration,
}

impl Judgement {
    /// As it is configured. A sample may be three intervals old; older only where the deadline is so long that a sample
    /// that is still being made would be called stale.
    pub fn of(config: &Config) -> Self {
        Self::new(
            config.readiness,
            config.failures,
            config.interval,
            config.timeout,
        )
    }

    fn new(policy: ReadinessPolicy, failures: u32, interval: Duration, timeout: Duration) -> Self {
        // An interval can be a tenth longer, by chance.
        let next = interval.mul_f64(1.1) + timeout + GRACE;
        let stale_after = (interval * STALE_INTERVALS).max(next);
        Self {
            policy,
            failures,
            stale_after,
        }
    }
}

/// The newest sample, if it says anything.
#[derive(Clone, Debug)]
pub enum Newest {
    /// There is none yet.
    Unknown,
    /// It is too old.
    Stale(Duration),
    /// It counts.
    Sample(Arc<Sample>),
}

impl Newest {
    /// The sample.
    pub fn sample(&self) -> Option<&Arc<Sample>> {
        match self {
            Self::Sample(sample) => Some(sample),
            Self::Unknown | Self::Stale(_) => None,
        }
    }

    /// What is in force, as JSON; none while nothing is known.
    pub fn document(&self, view: View) -> Option<Document> {
        match self {
            Self::Unknown => None,
            Self::Sample(sample) => Some(sample.document(view)),
            Self::Stale(age) => {
                let seconds = age.as_secs().to_string();
                let stale = Failure::of(Kind::Stale).with("sample.ageSeconds", seconds);
                Some(Document::of(verdict::failure(&stale), view))
            }
        }
    }

    /// The status that is in force; none while nothing is known.
    pub fn status(&self) -> Option<Status> {
        match self {
            Self::Unknown => None,
            Self::Stale(_) => Some(Status::Fail),
            Self::Sample(sample) => Some(sample.report.status),
        }
    }

    /// The verdict that is in force.
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Unknown => Verdict::Unknown,
            Self::Stale(_) => Verdict::Failing(Kind::Stale),
            Self::Sample(sample) => Verdict::of(sample.failure_kind()),
        }
    }
}

/// Whether to send traffic.
#[derive(Clone, Debug)]
pub struct Readiness {
    /// Why not, in one word; none when ready.
    pub reason: Option<&'static str>,
    /// What that was decided by.
    pub newest: Newest,
}

/// The samples so far, as far as they matter.
#[derive(Debug, Default)]
pub struct Series {
    newest: Option<Arc<Sample>>,
    /// Samples in a row with a failure that counts.
    failing: u32,
    ready: bool,
}

impl Series {
    /// Takes a sample in.
    pub fn push(&mut self, sample: Arc<Sample>, judgement: Judgement) {
        let report = &sample.report;
        let counts = |failure| judgement.policy.counts(failure, &report.evidence);
        if report.failure.as_ref().is_some_and(counts) {
            self.failing = self.failing.saturating_add(1);
            // What has never passed has no readiness to lose.
            self.ready &= self.failing < judgement.failures;
        } else {
            self.failing = 0;
            self.ready = true;
        }
        self.newest = Some(sample);
    }

    /// Whether to send traffic.
    pub fn readiness(&self, judgement: Judgement, now: Duration) -> Readiness {
        let newest = match &self.newest {
            None => Newest::Unknown,
            Some(sample) => match now.saturating_sub(sample.at) {
                age if age > judgement.stale_after => Newest::Stale(age),
                _ => Newest::Sample(Arc::clone(sample)),
            },
        };
        let reason = match (judgement.policy, &newest) {
            (ReadinessPolicy::Never, _) => None,
            (_, Newest::Unknown) => Some("unknown"),
            (ReadinessPolicy::Cache, Newest::Stale(_)) => Some(Kind::Stale.as_str()),
            _ if self.ready => None,
            _ => {
                let kind = self
                    .newest
                    .as_ref()
                    .and_then(|sample| sample.failure_kind());
                Some(kind.unwrap_or(Kind::Internal).as_str())
            }
        };
        Readiness { reason, newest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    const SECOND: Duration = Duration::from_secs(1);

    fn judgement(policy: ReadinessPolicy) -> Judgement {
        Judgement::new(policy, 2, SECOND * 10, SECOND * 5)
    }

    fn sample(failure: Option<Kind>) -> Arc<Sample> {
        let mut report = verdict::failure(&Failure::of(failure.unwrap_or(Kind::Loading)));
        if failure.is_none() {
            report.failure = None;
        }
        Arc::new(Sample::new(report, clock::now()))
    }

    fn after_with(policy: ReadinessPolicy, failures: &[Option<Kind>]) -> Option<&'static str> {
        let mut series = Series::default();
        for failure in failures {
            series.push(sample(*failure), judgement(policy));
        }
        let readiness = series.readiness(judgement(policy), clock::now());
        readiness.reason
    }

    fn after(failures: &[Option<Kind>]) -> Option<&'static str> {
        after_with(ReadinessPolicy::Cache, failures)
    }

    const PASS: Option<Kind> = None;
    const FAIL: Option<Kind> = Some(Kind::Loading);
    const REJECTED: Option<Kind> = Some(Kind::TokenRejected);

    #[test]
    fn not_ready_before_the_first_sample_but_where_nothing_counts() {
        assert_eq!(after(&[]), Some("unknown"));
        assert_eq!(after_with(ReadinessPolicy::Replica, &[]), Some("unknown"));
        assert_eq!(after_with(ReadinessPolicy::Never, &[]), None);
    }

    #[test]
    fn what_does_not_fail_is_ready() {
        assert_eq!(after(&[PASS]), None);
    }

    #[test]
    fn one_failure_is_damped_and_two_in_a_row_are_not() {
        assert_eq!(after(&[PASS, FAIL]), None);
        assert_eq!(after(&[PASS, FAIL, FAIL]), Some("loading"));
        assert_eq!(after(&[PASS, FAIL, PASS, FAIL]), None);
        assert_eq!(after(&[PASS, FAIL, FAIL, PASS]), None);
    }

    #[test]
    fn what_never_passed_is_not_ready_from_the_first_failure() {
        assert_eq!(after(&[FAIL]), Some("loading"));
    }

    #[test]
    fn a_fault_of_the_cache_empties_no_fleet_and_one_of_this_replica_takes_it_out() {
        let after = |failures: &[_]| after_with(ReadinessPolicy::Replica, failures);
        assert_eq!(after(&[FAIL, FAIL, FAIL]), None);
        assert_eq!(after(&[PASS, REJECTED]), None);
        assert_eq!(after(&[PASS, REJECTED, REJECTED]), Some("token-rejected"));
        assert_eq!(after(&[REJECTED]), Some("token-rejected"));
        assert_eq!(after(&[PASS, REJECTED, REJECTED, FAIL]), None);
    }

    #[test]
    fn nothing_takes_a_replica_out_that_is_always_ready_and_the_verdict_is_what_it_is() {
        let mut series = Series::default();
        let never = judgement(ReadinessPolicy::Never);
        for _ in 0..3 {
            series.push(sample(REJECTED), never);
        }
        let readiness = series.readiness(never, clock::now());
        assert_eq!(readiness.reason, None);
        let verdict = readiness.newest.verdict();
        assert_eq!(verdict, Verdict::Failing(Kind::TokenRejected));
    }

    #[test]
    fn a_sample_older_than_three_intervals_is_stale() {
        let mut series = Series::default();
        let cache = judgement(ReadinessPolicy::Cache);
        series.push(sample(PASS), cache);
        let at = |policy, seconds| {
            let now = clock::now() + SECOND * seconds;
            let readiness = series.readiness(judgement(policy), now);
            (readiness.reason, readiness.newest.verdict())
        };
        let stale = Verdict::Failing(Kind::Stale);
        assert_eq!(at(ReadinessPolicy::Cache, 29), (None, Verdict::Usable));
        assert_eq!(at(ReadinessPolicy::Cache, 31), (Some("stale"), stale));
        // What this program cannot say is no reason to take the app out.
        assert_eq!(at(ReadinessPolicy::Replica, 31), (None, stale));
    }

    #[test]
    fn a_sample_still_being_made_is_not_called_stale() {
        let judgement = Judgement::new(ReadinessPolicy::Cache, 2, SECOND, SECOND * 5);
        assert!(judgement.stale_after >= SECOND * 6);
    }
}
