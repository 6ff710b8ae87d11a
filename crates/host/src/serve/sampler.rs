//! Samples in the background, so that `/readyz` never has to wait.
//!
//! Most use the kept connection: it is cheap, and what an app does. Every so often one proves a new
//! connection as well, since names, certificates and keys that have gone bad show only there; when
//! that fails, each sample tries again until it works, so that the warning stays.

use crate::serve::app::App;
use crate::verdict::Proof;
use cache_health_report::Document;
use std::time::Duration;
use tokio::time::Instant;

/// How much of an interval is left to chance, so that replicas do not all ask at once.
const JITTER: f64 = 0.1;

/// One check now, and then one per interval; a cold one every `cold_every`.
pub async fn sample_for_ever(app: App, interval: Duration, cold_every: Duration) {
    let jittered = |period| jittered(period, fastrand::f64());
    let mut cold_due = Instant::now() + jittered(cold_every);
    loop {
        let started = Instant::now();
        let proof = if started >= cold_due {
            Proof::Cold
        } else {
            Proof::Warm
        };
        let sample = app.fresh(proof).await;
        if proof == Proof::Cold && proved_new(&sample.document) {
            cold_due = started + jittered(cold_every);
        }
        app.record(sample);
        tokio::time::sleep_until(started + jittered(interval)).await;
    }
}

/// Whether a cold sample proved a new connection.
fn proved_new(document: &Document) -> bool {
    let warned = document.warnings.iter().any(|w| !w.kind.only_warns());
    document.failure.is_none() && !warned
}

/// Between nine and eleven tenths of a period. `chance` is from 0 to 1.
fn jittered(period: Duration, chance: f64) -> Duration {
    period.mul_f64(1.0 - JITTER + 2.0 * JITTER * chance.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict;
    use cache_health_report::{Kind, Status};

    #[test]
    fn the_pause_stays_within_a_tenth_of_the_interval() {
        let second = Duration::from_secs(1);
        assert_eq!(jittered(second, 0.0), Duration::from_millis(900));
        assert_eq!(jittered(second, 1.0), Duration::from_millis(1100));
    }

    #[test]
    fn a_fallback_does_not_keep_a_cold_sample_from_counting_and_a_refused_one_does() {
        let warning = |kind| {
            let mut document = verdict::failure(kind, "any", "any");
            document.status = Status::Warn;
            document.warnings = document.failure.take().into_iter().collect();
            document
        };
        assert!(proved_new(&warning(Kind::Fallback)));
        assert!(!proved_new(&warning(Kind::AuthRejected)));
        assert!(!proved_new(&verdict::failure(Kind::Timeout, "any", "any")));
    }
}
