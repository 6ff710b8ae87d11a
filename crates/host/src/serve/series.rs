//! Samples and what they mean for readiness. Pure.

use crate::clock;
use bytes::Bytes;
use cache_health_report::{Document, Kind, Report, Status, View, probe};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// How many intervals old a sample may be.
const STALE_INTERVALS: u32 = 3;
/// What a sample may take on top of its deadline.
const GRACE: Duration = Duration::from_secs(1);

/// A verdict, and when it was had.
#[derive(Debug)]
pub struct Sample {
    /// The verdict.
    pub report: Report,
    /// When it was had, by [`clock::now`].
    pub at: Duration,
    rendered: [OnceLock<Bytes>; 2],
}

impl Sample {
    /// A verdict that was had just now.
    pub fn new(report: Report) -> Self {
        Self {
            report,
            at: clock::now(),
            rendered: Default::default(),
        }
    }

    /// The verdict with its age, as JSON.
    pub fn document(&self, view: View) -> Document {
        let mut report = self.report.clone();
        report.age = clock::since(self.at);
        Document::of(report, view)
    }

    /// The verdict without its age, as JSON, rendered once however many ask.
    pub fn rendered(&self, view: View) -> Bytes {
        let rendered = &self.rendered[usize::from(view == View::Details)];
        rendered
            .get_or_init(|| probe::render(&Document::of(self.report.clone(), view)).into())
            .clone()
    }

    /// What is broken, by its kind.
    pub fn failure_kind(&self) -> Option<Kind> {
        self.report.failure.as_ref().map(|finding| finding.kind)
    }
}

/// How samples are judged.
#[derive(Clone, Copy, Debug)]
pub struct Judgement {
    /// Failing samples in a row before readiness is lost.
    pub failures: u32,
    /// How old the newest sample may be.
    pub stale_after: Duration,
}

impl Judgement {
    /// Three intervals; more only where the deadline is so long that a sample that is still being
    /// made would be called stale.
    pub fn new(failures: u32, interval: Duration, timeout: Duration) -> Self {
        // An interval can be a tenth longer, by chance.
        let next = interval.mul_f64(1.1) + timeout + GRACE;
        let stale_after = (interval * STALE_INTERVALS).max(next);
        Self {
            failures,
            stale_after,
        }
    }
}

/// Whether to send traffic.
#[derive(Clone, Debug)]
pub enum Readiness {
    /// Yes.
    Ready(Arc<Sample>),
    /// No: too many samples in a row failed, or none has passed yet.
    Failing(Arc<Sample>),
    /// No: there is no sample yet.
    Unknown,
    /// No: the newest sample is too old.
    Stale(Duration),
}

impl Readiness {
    /// The newest sample, if it says anything.
    pub fn sample(&self) -> Option<&Arc<Sample>> {
        match self {
            Self::Ready(sample) | Self::Failing(sample) => Some(sample),
            Self::Unknown | Self::Stale(_) => None,
        }
    }

    /// Why not, in one word; none when ready.
    pub fn reason(&self) -> Option<&'static str> {
        match self {
            Self::Ready(_) => None,
            Self::Failing(sample) => Some(sample.failure_kind().unwrap_or(Kind::Internal).as_str()),
            Self::Unknown => Some("unknown"),
            Self::Stale(_) => Some(Kind::Stale.as_str()),
        }
    }
}

/// The samples so far, as far as they matter.
#[derive(Debug, Default)]
pub struct Series {
    newest: Option<Arc<Sample>>,
    failing: u32,
    ready: bool,
}

impl Series {
    /// Takes a sample in.
    pub fn push(&mut self, sample: Arc<Sample>, judgement: Judgement) {
        match sample.report.status {
            Status::Pass | Status::Warn => {
                self.failing = 0;
                self.ready = true;
            }
            Status::Fail => {
                self.failing = self.failing.saturating_add(1);
                // What has never passed has no readiness to lose.
                self.ready &= self.failing < judgement.failures;
            }
        }
        self.newest = Some(sample);
    }

    /// The newest sample.
    pub fn newest(&self) -> Option<&Arc<Sample>> {
        self.newest.as_ref()
    }

    /// Whether to send traffic.
    pub fn readiness(&self, judgement: Judgement, now: Duration) -> Readiness {
        let Some(newest) = &self.newest else {
            return Readiness::Unknown;
        };
        let age = now.saturating_sub(newest.at);
        if age > judgement.stale_after {
            Readiness::Stale(age)
        } else if self.ready {
            Readiness::Ready(Arc::clone(newest))
        } else {
            Readiness::Failing(Arc::clone(newest))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict;
    use cache_health_report::Failure;

    const SECOND: Duration = Duration::from_secs(1);

    fn judgement() -> Judgement {
        Judgement::new(2, SECOND * 10, SECOND * 5)
    }

    fn sample(status: Status) -> Arc<Sample> {
        let mut report = verdict::failure(&Failure::of(Kind::Loading));
        report.status = status;
        Arc::new(Sample::new(report))
    }

    fn after(statuses: &[Status]) -> Option<&'static str> {
        let mut series = Series::default();
        for status in statuses {
            series.push(sample(*status), judgement());
        }
        series.readiness(judgement(), clock::now()).reason()
    }

    #[test]
    fn not_ready_before_the_first_sample() {
        assert_eq!(after(&[]), Some("unknown"));
    }

    #[test]
    fn pass_and_warn_are_ready() {
        assert_eq!(after(&[Status::Pass]), None);
        assert_eq!(after(&[Status::Warn]), None);
    }

    #[test]
    fn one_failure_is_damped_and_two_in_a_row_are_not() {
        use Status::{Fail, Pass};
        assert_eq!(after(&[Pass, Fail]), None);
        assert_eq!(after(&[Pass, Fail, Fail]), Some("loading"));
        assert_eq!(after(&[Pass, Fail, Pass, Fail]), None);
        assert_eq!(after(&[Pass, Fail, Fail, Pass]), None);
    }

    #[test]
    fn what_never_passed_is_not_ready_from_the_first_failure() {
        assert_eq!(after(&[Status::Fail]), Some("loading"));
    }

    #[test]
    fn a_sample_older_than_three_intervals_is_stale() {
        let mut series = Series::default();
        series.push(sample(Status::Pass), judgement());
        let at = |seconds| {
            series
                .readiness(judgement(), clock::now() + SECOND * seconds)
                .reason()
        };
        assert_eq!(at(29), None);
        assert_eq!(at(31), Some("stale"));
    }

    #[test]
    fn a_sample_still_being_made_is_not_called_stale() {
        let judgement = Judgement::new(2, SECOND, SECOND * 5);
        assert!(judgement.stale_after >= SECOND * 6);
    }
}
