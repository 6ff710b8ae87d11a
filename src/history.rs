//! What is remembered from one check to the next.

use crate::policy::ENTRA_RETRY;
use cache_health_report::{Kind, Report};
use std::rc::Rc;
use std::time::Duration;

/// What an instance of the component remembers. Times are of the monotonic clock.
#[derive(Debug, Default)]
pub struct History {
    newest: Option<(Rc<Report>, Duration)>,
    entra_failed: Option<(Kind, Duration)>,
}

impl History {
    /// A history of nothing.
    pub const fn new() -> Self {
        Self {
            newest: None,
            entra_failed: None,
        }
    }

    /// Why Entra is left out for now, if it is. `now` is only asked for when it matters.
    pub fn paused(&self, now: impl FnOnce() -> Duration) -> Option<Kind> {
        let (kind, at) = self.entra_failed?;
        (now().saturating_sub(at) < ENTRA_RETRY).then_some(kind)
    }

    /// Entra failed with this and a key worked in its place.
    pub fn entra_failed(&mut self, kind: Kind, now: Duration) {
        self.entra_failed = Some((kind, now));
    }

    /// Entra worked, or there is no key that works in its place: try it with every check.
    pub fn clear_pause(&mut self) {
        self.entra_failed = None;
    }

    /// Keeps the newest report.
    pub fn keep(&mut self, report: &Rc<Report>, now: Duration) {
        self.newest = Some((Rc::clone(report), now));
    }

    /// The newest report with its age, unless it is older than `max_age`.
    pub fn newest(&self, max_age: Duration, now: Duration) -> Option<Report> {
        let (report, at) = self.newest.as_ref()?;
        let age = now.saturating_sub(*at);
        (age <= max_age).then(|| Report {
            age,
            ..Report::clone(report)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cache_health_report::Status;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn entra_is_tried_again_after_a_minute() {
        let mut history = History::new();
        history.entra_failed(Kind::AuthRejected, SECOND);
        assert_eq!(history.paused(|| SECOND * 60), Some(Kind::AuthRejected));
        assert_eq!(history.paused(|| SECOND * 61), None);
    }

    #[test]
    fn a_report_carries_its_age_and_is_not_handed_out_when_too_old() {
        let report = Rc::new(Report {
            status: Status::Pass,
            time: 0,
            age: Duration::ZERO,
            output: String::new(),
            failure: None,
            warnings: vec![],
            auth: None,
            tls: None,
            steps: vec![],
            evidence: Default::default(),
        });
        let mut history = History::new();
        assert!(history.newest(SECOND, SECOND).is_none());
        history.keep(&report, SECOND);
        assert_eq!(
            history
                .newest(SECOND * 5, SECOND * 4)
                .map(|report| report.age),
            Some(SECOND * 3)
        );
        assert!(history.newest(SECOND * 2, SECOND * 4).is_none());
    }
}
