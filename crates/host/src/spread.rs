//! How durations are spread.

use cache_health_report::milliseconds;
use serde::Serialize;
use std::time::Duration;

/// Durations, in milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Spread {
    /// How many there were.
    pub count: usize,
    /// The shortest.
    pub min_ms: f64,
    /// The mean.
    pub mean_ms: f64,
    /// The median.
    pub p50_ms: f64,
    /// All but a hundredth are shorter.
    pub p99_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

impl Spread {
    /// Of these durations.
    pub fn of(mut durations: Vec<Duration>) -> Self {
        durations.sort_unstable();
        let count = durations.len();
        let at = |share: f64| {
            let index = (count as f64 * share) as usize;
            let duration = durations.get(index.min(count.saturating_sub(1)));
            milliseconds(duration.copied().unwrap_or_default())
        };
        let sum: Duration = durations.iter().sum();
        Self {
            count,
            min_ms: at(0.0),
            mean_ms: milliseconds(sum / u32::try_from(count.max(1)).unwrap_or(u32::MAX)),
            p50_ms: at(0.5),
            p99_ms: at(0.99),
            max_ms: at(1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_of_what_was_measured() {
        let spread = Spread::of((1..=100).map(Duration::from_millis).collect());
        assert_eq!(
            (spread.count, spread.min_ms, spread.max_ms),
            (100, 1.0, 100.0)
        );
        assert_eq!(
            (spread.p50_ms, spread.p99_ms, spread.mean_ms),
            (51.0, 100.0, 50.5)
        );
        assert_eq!(Spread::of(Vec::new()), Spread::default());
    }
}
