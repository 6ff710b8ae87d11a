//! Samples in the background, so that `/readyz` never has to wait.
//!
//! Most use the kept connection: it is cheap, and what an app does. Every so often one proves a new
//! connection as well, since names, certificates and keys that have gone bad show only there; when
//! that fails, each sample tries again until it works, so that the warning stays.

use crate::clock;
use crate::component::Health;
use crate::sample::Sample;
use crate::serve::app::App;
use crate::verdict::{self, Proof};
use cache_health_report::Report;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How much of an interval is left to chance, so that replicas do not all ask at once.
const JITTER: f64 = 0.1;
/// The longest pause between new connections that do not help: with the cache out of memory, a hundred
/// replicas must not log in at every interval.
const MOST_PAUSE: Duration = Duration::from_secs(60);

/// One check now, and then one per interval; one that proves a new connection every `new_connection_every`.
pub async fn sample_for_ever(
    app: App,
    health: Health,
    interval: Duration,
    new_connection_every: Duration,
) {
    let mut plan = Plan::new(
        interval,
        new_connection_every,
        Instant::now(),
        fastrand::f64(),
    );
    loop {
        let started = Instant::now();
        let proof = plan.next(started);
        let asked = clock::now();
        let sample = Sample::new(verdict::fresh(&health, proof).await, asked);
        plan.learn(proof, &sample.report, started, fastrand::f64());
        app.record(Arc::new(sample));
        let next = started + jittered(interval, fastrand::f64());
        // A check can take longer than an interval.
        let next = next.max(Instant::now());
        tokio::time::sleep_until(next).await;
        app.stalled(next.elapsed());
    }
}

/// Which proof the next sample makes. Pure.
struct Plan {
    interval: Duration,
    new_connection_every: Duration,
    /// When a new connection is proved next, as long as all is well.
    due: Instant,
    /// While samples fail: when a new connection may be tried next, and the pause before that.
    retry: Option<(Instant, Duration)>,
}

impl Plan {
    fn new(interval: Duration, new_connection_every: Duration, now: Instant, chance: f64) -> Self {
        Self {
            interval,
            new_connection_every,
            due: now + jittered(new_connection_every, chance),
            retry: None,
        }
    }

    fn next(&self, now: Instant) -> Proof {
        let due = self.retry.map_or(self.due, |(due, _)| due);
        if now >= due {
            Proof::NewConnection
        } else {
            Proof::Kept
        }
    }

    /// A sample fails: the next one proves a new connection, since the kept one may lead to a server that is
    /// no longer meant. While that does not help either, the pauses between such samples grow.
    fn learn(&mut self, proof: Proof, report: &Report, started: Instant, chance: f64) {
        if report.failure.is_none() {
            self.retry = None;
            if proof == Proof::NewConnection && proved_new(report) {
                self.due = started + jittered(self.new_connection_every, chance);
            }
            return;
        }
        self.retry = match (proof, self.retry) {
            (Proof::Kept, None) => Some((started, Duration::ZERO)),
            (Proof::Kept, waiting) => waiting,
            (Proof::NewConnection, before) => {
                let pause = before.map_or(Duration::ZERO, |(_, pause)| pause) * 2;
                let pause = pause.max(self.interval).min(MOST_PAUSE);
                Some((started + jittered(pause, chance), pause))
            }
        };
    }
}

/// Whether a sample proved a new connection.
fn proved_new(report: &Report) -> bool {
    report.broken().is_none()
}

/// Between nine and eleven tenths of a period. `chance` is from 0 to 1.
fn jittered(period: Duration, chance: f64) -> Duration {
    period.mul_f64(1.0 - JITTER + 2.0 * JITTER * chance.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict;
    use cache_health_report::{Failure, Kind, Status};

    #[test]
    fn the_pause_stays_within_a_tenth_of_the_interval() {
        let second = Duration::from_secs(1);
        assert_eq!(jittered(second, 0.0), Duration::from_millis(900));
        assert_eq!(jittered(second, 1.0), Duration::from_millis(1100));
    }

    const SECOND: Duration = Duration::from_secs(1);

    /// Which of the samples of so many intervals of ten seconds prove a new connection, when all of them end
    /// like this from the second on.
    fn proving_samples(kind: Kind, samples: u32) -> Vec<u32> {
        let start = Instant::now();
        let mut plan = Plan::new(SECOND * 10, SECOND * 600, start, 0.5);
        let mut proved = Vec::new();
        for number in 0..samples {
            let now = start + SECOND * 10 * number;
            let proof = plan.next(now);
            if proof == Proof::NewConnection {
                proved.push(number);
            }
            let mut report = verdict::failure(&Failure::of(kind));
            if number == 0 {
                report.failure = None;
            }
            plan.learn(proof, &report, now, 0.5);
        }
        proved
    }

    #[test]
    fn after_a_failing_sample_the_next_one_proves_a_new_connection_and_backs_off_to_a_minute() {
        // Sample 1 fails on the kept connection.
        assert_eq!(
            proving_samples(Kind::OutOfMemory, 30),
            [2, 3, 5, 9, 15, 21, 27]
        );
    }

    #[test]
    fn a_recovery_ends_the_back_off() {
        let start = Instant::now();
        let mut plan = Plan::new(SECOND * 10, SECOND * 600, start, 0.5);
        let failing = verdict::failure(&Failure::of(Kind::OutOfMemory));
        let mut passing = failing.clone();
        passing.failure = None;
        plan.learn(Proof::Kept, &failing, start, 0.5);
        assert_eq!(plan.next(start + SECOND * 10), Proof::NewConnection);
        plan.learn(Proof::NewConnection, &passing, start + SECOND * 10, 0.5);
        assert_eq!(plan.next(start + SECOND * 20), Proof::Kept);
        plan.learn(Proof::Kept, &failing, start + SECOND * 20, 0.5);
        assert_eq!(plan.next(start + SECOND * 30), Proof::NewConnection);
    }

    #[test]
    fn a_fallback_does_not_keep_a_cold_sample_from_counting_and_a_refused_one_does() {
        let warning = |kind| {
            let mut report = verdict::failure(&Failure::of(kind));
            report.status = Status::Warn;
            report.warnings = report.failure.take().into_iter().collect();
            report
        };
        assert!(proved_new(&warning(Kind::Fallback)));
        assert!(!proved_new(&warning(Kind::AuthRejected)));
        assert!(!proved_new(&verdict::failure(&Failure::of(Kind::Timeout))));
    }
}
