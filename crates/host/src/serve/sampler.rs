//! Samples in the background, so that `/readyz` never has to wait.

use crate::serve::app::App;
use std::time::Duration;

/// How much of an interval is left to chance, so that replicas do not all ask at once.
const JITTER: f64 = 0.1;

/// One check now, and then one per interval.
pub async fn sample_for_ever(app: App, interval: Duration) {
    loop {
        let next = tokio::time::Instant::now() + jittered(interval, fastrand::f64());
        app.record(app.fresh().await);
        tokio::time::sleep_until(next).await;
    }
}

/// Between nine and eleven tenths of an interval. `chance` is from 0 to 1.
fn jittered(interval: Duration, chance: f64) -> Duration {
    interval.mul_f64(1.0 - JITTER + 2.0 * JITTER * chance.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_stays_within_a_tenth_of_the_interval() {
        let second = Duration::from_secs(1);
        assert_eq!(jittered(second, 0.0), Duration::from_millis(900));
        assert_eq!(jittered(second, 1.0), Duration::from_millis(1100));
    }
}
