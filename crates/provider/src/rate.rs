//! How often something may be done, whoever asks: a token bucket with a reserve. Pure.

use std::time::Duration;

/// Who causes what is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Whoever asks from outside. They may be hostile, and any number.
    Request,
    /// The background sampler. It has a reserve of its own, so that callers cannot starve it.
    Sampler,
}

/// What the sampler finds when callers have taken all that they may. Two, since a check of a cluster makes
/// two connections.
const RESERVE: u32 = 2;

/// A token bucket. Times are of a clock that never goes back.
#[derive(Clone, Debug)]
pub struct RateLimit {
    /// Permits there are now; a fraction is one that is on its way.
    level: f64,
    /// The most there can be.
    capacity: f64,
    per_second: f64,
    at: Option<Duration>,
}

impl RateLimit {
    /// `burst` at once for callers, and then `per_second`.
    pub fn new(burst: u32, per_second: u32) -> Self {
        let capacity = f64::from(burst.max(1) + RESERVE);
        Self {
            level: capacity,
            capacity,
            per_second: f64::from(per_second.max(1)),
            at: None,
        }
    }

    /// Takes a permit; when there is none, says how long it takes until there is one.
    pub fn take(&mut self, caller: Caller, now: Duration) -> Result<(), Duration> {
        let lacking = self.lacking(caller, now);
        if lacking <= 0.0 {
            self.level -= 1.0;
            return Ok(());
        }
        Err(Duration::from_secs_f64(lacking / self.per_second))
    }

    /// Whether there is a permit now.
    pub fn has(&mut self, caller: Caller, now: Duration) -> bool {
        self.lacking(caller, now) <= 0.0
    }

    fn lacking(&mut self, caller: Caller, now: Duration) -> f64 {
        let since = now.saturating_sub(self.at.unwrap_or(now));
        self.at = Some(now);
        self.level = (self.level + since.as_secs_f64() * self.per_second).min(self.capacity);
        let reserve = match caller {
            Caller::Request => f64::from(RESERVE),
            Caller::Sampler => 0.0,
        };
        // What rounding leaves of a permit that was waited for.
        1.0 + reserve - self.level - f64::EPSILON * self.capacity * 4.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn taken(limit: &mut RateLimit, caller: Caller, now: Duration) -> u32 {
        (0..1000)
            .take_while(|_| limit.take(caller, now).is_ok())
            .count() as u32
    }

    #[test]
    fn callers_get_the_burst_at_once_and_then_the_rate() {
        let mut limit = RateLimit::new(4, 2);
        assert_eq!(taken(&mut limit, Caller::Request, SECOND), 4);
        assert_eq!(taken(&mut limit, Caller::Request, SECOND * 2), 2);
        assert_eq!(taken(&mut limit, Caller::Request, SECOND * 60), 4);
    }

    #[test]
    fn the_sampler_finds_a_permit_when_callers_find_none() {
        let mut limit = RateLimit::new(4, 2);
        taken(&mut limit, Caller::Request, SECOND);
        assert!(!limit.has(Caller::Request, SECOND));
        assert!(limit.has(Caller::Sampler, SECOND));
        assert_eq!(taken(&mut limit, Caller::Sampler, SECOND), 2);
        assert!(!limit.has(Caller::Sampler, SECOND));
    }

    #[test]
    fn the_wait_that_is_named_is_enough_and_not_too_much() {
        let mut limit = RateLimit::new(1, 2);
        taken(&mut limit, Caller::Request, SECOND);
        let wait = limit.take(Caller::Request, SECOND).expect_err("none left");
        assert!(wait <= Duration::from_millis(501), "{wait:?}");
        let almost = SECOND + wait - Duration::from_millis(10);
        assert!(!limit.has(Caller::Request, almost));
        assert_eq!(limit.take(Caller::Request, SECOND + wait), Ok(()));
    }

    #[test]
    fn a_clock_that_stands_still_or_goes_back_gives_nothing_away() {
        let mut limit = RateLimit::new(2, 1000);
        taken(&mut limit, Caller::Sampler, SECOND * 5);
        assert_eq!(taken(&mut limit, Caller::Sampler, SECOND * 4), 0);
        assert_eq!(taken(&mut limit, Caller::Sampler, SECOND * 4), 0);
    }
}
