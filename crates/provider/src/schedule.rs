//! When to ask for a token again. Pure.

use cache_health_report::{Failure, Kind};
use std::time::Duration;

/// Microsoft's libraries renew this long before a token ends.
const MARGIN: i64 = 5 * 60;
/// A token that lives longer than this is renewed at half of its life.
const LONG_LIVED: i64 = 2 * 60 * 60;
/// The endpoint is never asked more often than this, however short a token lives.
pub const LEAST_PAUSE: Duration = Duration::from_secs(5);
/// The longest that is waited because the endpoint asked for it.
pub const MOST_ASKED: Duration = Duration::from_secs(60);
/// Without any token, how long to leave the endpoint alone after a failure, however many callers
/// ask: long enough to be no storm, short enough that a check finds a recovery.
pub const FAILURE_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause between attempts to renew.
const MOST_PAUSE: Duration = Duration::from_secs(60);
/// The first pause between tries of one fetch, doubled with each.
const FIRST_RETRY: Duration = Duration::from_millis(200);
/// The longest pause between tries of one fetch.
const MOST_RETRY: Duration = Duration::from_secs(3);
/// How much of a pause is left to chance, so that replicas do not ask all at once.
const JITTER: f64 = 0.1;

/// When a token is due for renewal, in seconds since 1970-01-01T00:00:00Z: at the later of half of
/// its life and five minutes before its end; at half of its life when it lives over two hours.
///
/// Up to a tenth of what is left then is added by `chance` (0 to 1), so that replicas that started
/// together do not ask together.
pub fn renewal_due(obtained_at: i64, expires_at: i64, chance: f64) -> i64 {
    let life = expires_at.saturating_sub(obtained_at);
    let half = obtained_at.saturating_add(life / 2);
    let due = if life > LONG_LIVED {
        half
    } else {
        half.max(expires_at.saturating_sub(MARGIN))
    };
    let left = u64::try_from(expires_at.saturating_sub(due)).unwrap_or(0);
    let late = Duration::from_secs(left).mul_f64(JITTER * chance.clamp(0.0, 1.0));
    due.saturating_add(i64::try_from(late.as_secs()).unwrap_or(0))
}

/// How long to wait after this many failed renewals in a row. `chance` is from 0 to 1.
pub fn renewal_pause(failures: u32, chance: f64) -> Duration {
    let doubled = LEAST_PAUSE.saturating_mul(2u32.saturating_pow(failures.saturating_sub(1)));
    let pause = doubled.min(MOST_PAUSE);
    pause + pause.mul_f64(JITTER * chance.clamp(0.0, 1.0))
}

/// How long to wait between two tries of one fetch. What the endpoint asks for counts where it is
/// more than our own pace, and up to [`MOST_ASKED`].
pub fn retry_pause(tries: u32, asked: Option<Duration>, chance: f64) -> Duration {
    let own = FIRST_RETRY
        .saturating_mul(2u32.saturating_pow(tries.saturating_sub(1)))
        .min(MOST_RETRY);
    let pause = asked.unwrap_or_default().min(MOST_ASKED).max(own);
    pause + pause.mul_f64(JITTER * chance.clamp(0.0, 1.0))
}

/// `Retry-After` in seconds, up to what is obeyed; the form with a date is not used by these endpoints.
pub fn retry_after(value: &str) -> Option<Duration> {
    let asked = value.trim().parse().ok().map(Duration::from_secs);
    asked.map(|asked| asked.min(MOST_ASKED))
}

/// Whether to try again within one fetch. A no stays a no, and an endpoint that answers 200 with
/// rubbish has nothing better a second later.
pub fn is_worth_a_retry(failure: &Failure) -> bool {
    let seen = |name| failure.evidence.get(name);
    match failure.kind {
        Kind::TokenUnavailable => match (seen("identity.problem"), seen("identity.status")) {
            (Some("unreachable" | "timeout"), _) => true,
            (None, Some(status)) => matches!(status.parse(), Ok(408 | 429 | 500u16..)),
            _ => false,
        },
        // A file that the cluster may be replacing this very moment; not a machine that is none of Azure's.
        Kind::Config => seen("identity.problem") != Some("no-endpoint"),
        _ => false,
    }
}

/// How often a failing endpoint may be asked, whoever wants a token, and with or without one in hand: four
/// times in the first five seconds (Container Apps' endpoint starts after the app), then once in five
/// seconds; later where the endpoint asks for that. Times are of a clock that never goes back.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    /// The first request since one succeeded, how many there were, and the last of them.
    failing: Option<(Duration, u32, Duration)>,
    /// Asked for by `Retry-After`.
    not_before: Duration,
}

/// Requests in the first [`LEAST_PAUSE`].
const FIRST_REQUESTS: u32 = 4;

impl Pace {
    /// A pace before the first request.
    pub const fn new() -> Self {
        Self {
            failing: None,
            not_before: Duration::ZERO,
        }
    }

    /// How long the next request has to wait.
    pub fn wait(&self, now: Duration) -> Duration {
        let own = match self.failing {
            Some((first, sent, last))
                if sent >= FIRST_REQUESTS || now.saturating_sub(first) >= LEAST_PAUSE =>
            {
                last + LEAST_PAUSE
            }
            _ => Duration::ZERO,
        };
        own.max(self.not_before).saturating_sub(now)
    }

    /// A request is sent.
    pub fn sent(&mut self, now: Duration) {
        let (first, sent, _) = self.failing.unwrap_or((now, 0, now));
        self.failing = Some((first, sent.saturating_add(1), now));
    }

    /// The endpoint gave a token.
    pub fn succeeded(&mut self) {
        *self = Self::new();
    }

    /// The endpoint failed, and asked to be left alone for this long.
    pub fn asked(&mut self, retry_after: Duration, now: Duration) {
        self.not_before = self.not_before.max(now + retry_after.min(MOST_ASKED));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// When requests are sent by somebody who always wants one, in whole milliseconds of the first minute.
    fn sent_in_a_minute(pace: &mut Pace) -> Vec<u128> {
        let (mut now, mut sent) = (SECOND, Vec::new());
        while now < SECOND * 61 {
            let wait = pace.wait(now);
            now += wait.max(Duration::from_millis(1));
            if wait.is_zero() {
                pace.sent(now);
                sent.push((now - SECOND).as_millis());
            }
        }
        sent
    }

    #[test]
    fn a_failing_endpoint_is_asked_four_times_and_then_every_five_seconds() {
        let sent = sent_in_a_minute(&mut Pace::new());
        assert!(sent[3] < 5000 && sent[4] >= 5000, "{sent:?}");
        assert!(
            sent.windows(2).skip(3).all(|two| two[1] - two[0] >= 5000),
            "{sent:?}"
        );
        assert!(sent.len() >= 14, "{sent:?}");
    }

    #[test]
    fn what_the_endpoint_asks_for_is_obeyed_up_to_a_minute_and_a_token_ends_it() {
        let mut pace = Pace::new();
        pace.sent(SECOND);
        pace.asked(SECOND * 600, SECOND);
        assert_eq!(pace.wait(SECOND), MOST_ASKED);
        pace.succeeded();
        assert_eq!(pace.wait(SECOND), Duration::ZERO);
    }

    const HOUR: i64 = 3600;

    #[test]
    fn a_day_long_token_is_renewed_at_half_of_its_life() {
        assert_eq!(renewal_due(0, 24 * HOUR, 0.0), 12 * HOUR);
    }

    #[test]
    fn an_hour_long_token_is_renewed_five_minutes_before_its_end() {
        assert_eq!(renewal_due(0, HOUR, 0.0), HOUR - 300);
    }

    #[test]
    fn a_token_of_seconds_is_renewed_at_half_of_its_life() {
        assert_eq!(renewal_due(100, 120, 0.0), 110);
    }

    #[test]
    fn chance_only_delays_and_leaves_most_of_the_margin() {
        for life in [1, 20, HOUR, 2 * HOUR, 24 * HOUR] {
            let (first, last) = (renewal_due(0, life, 0.0), renewal_due(0, life, 1.0));
            assert!(first <= last && last <= life, "{life}: {first} {last}");
            assert!(last - first <= (life - first) / 10, "{life}");
        }
        // A clock that went backwards must not make it panic.
        assert_eq!(renewal_due(100, 50, 1.0), 75);
    }

    #[test]
    fn the_endpoint_is_never_asked_more_often_than_every_five_seconds() {
        for failures in 0..40 {
            let pause = renewal_pause(failures, 0.0);
            assert!(
                pause >= LEAST_PAUSE && pause <= MOST_PAUSE,
                "{failures}: {pause:?}"
            );
        }
    }

    #[test]
    fn retry_after_counts_more_than_our_own_pace() {
        assert_eq!(
            retry_pause(1, Some(Duration::from_secs(7)), 0.0),
            Duration::from_secs(7)
        );
        // Nor does it bring a storm, or none at all for as long as there are numbers.
        assert_eq!(retry_pause(1, Some(Duration::ZERO), 0.0), FIRST_RETRY);
        assert_eq!(retry_pause(1, Some(Duration::MAX), 0.0), MOST_ASKED);
        assert_eq!(retry_pause(1, None, 0.0), Duration::from_millis(200));
        assert_eq!(retry_pause(30, None, 0.0), MOST_RETRY);
    }
}
