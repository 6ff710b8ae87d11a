//! The life of a token: held, due, failed, refused. Pure: the time is passed in, and what is done about it is the
//! host's business. Both hosts live by these rules; where an instance ends, as on Spin, they hold per instance.

use crate::identity::Token;
use crate::schedule::{self, Pace};
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Duration;

/// A moment: by a clock that never goes back, for pauses, and by the calendar, for the token's own dates.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// By a clock that never goes back.
    pub clock: Duration,
    /// In seconds since 1970-01-01T00:00:00Z.
    pub wall: i64,
    /// From 0 to 1: how much is left to chance, so that replicas do not ask together.
    pub chance: f64,
}

/// The clock counts whole seconds. A token that ends within the next one may have ended when it arrives, and Redis' refusal
/// would say that the identity has no access.
const LAST_SECOND: i64 = 1;

/// A token on loan.
#[derive(Clone, Debug)]
pub struct Lease<E> {
    /// The token: the password.
    pub secret: Arc<SecretString>,
    /// The object id in it: the user name.
    pub object_id: String,
    /// When it ends, in seconds since 1970-01-01T00:00:00Z.
    pub expires_at: i64,
    /// Counts up with every new token.
    pub generation: u64,
    /// Why the last attempt to renew it failed.
    pub renewal_failure: Option<E>,
}

/// What somebody who wants a token gets.
#[derive(Clone, Debug)]
pub enum Acquired<E> {
    /// The token that is held.
    Held(Lease<E>),
    /// What the endpoint said last, which is asked again only after a pause.
    Failed(E),
    /// Nothing yet: it has to be asked.
    Ask,
}

/// The life of the tokens of one identity. `E`: why there is none.
#[derive(Clone, Debug)]
pub struct TokenLife<E> {
    held: Option<Lease<E>>,
    /// Why the last request gave no token.
    last_failure: Option<E>,
    pace: Pace,
    /// Renewals that failed in a row.
    failures: u32,
    /// Tokens that Redis refused in a row, and the generation of the last.
    refusals: u32,
    refused: Option<u64>,
    /// When the next renewal is due; none before the first token was asked for.
    due: Option<Duration>,
    generation: u64,
}

impl<E> Default for TokenLife<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E> TokenLife<E> {
    /// Before the first token.
    pub const fn new() -> Self {
        Self {
            held: None,
            last_failure: None,
            pace: Pace::new(),
            failures: 0,
            refusals: 0,
            refused: None,
            due: None,
            generation: 0,
        }
    }

    /// When the next renewal is due, by the clock.
    pub fn due(&self) -> Option<Duration> {
        self.due
    }

    /// How long the next request has to wait, whoever wants it.
    pub fn wait(&self, now: Now) -> Duration {
        self.pace.wait(now.clock)
    }

    /// A request is sent.
    pub fn sent(&mut self, now: Now) {
        self.pace.sent(now.clock);
    }

    /// Redis refused the token of this generation: its identity may have been made anew, or have got its access
    /// only now. Another is due soon, with pauses that grow while they are refused as well. Whether that is news.
    pub fn refused(&mut self, generation: u64, now: Now) -> bool {
        if self.generation != generation || self.refused == Some(generation) {
            return false;
        }
        self.refused = Some(generation);
        self.refusals = self.refusals.saturating_add(1);
        let soon = now.clock + schedule::renewal_pause(self.refusals, now.chance);
        self.due = Some(self.due.map_or(soon, |due| due.min(soon)));
        true
    }

    /// Forgets the token that is held: another identity is configured.
    pub fn forget(&mut self) {
        self.held = None;
    }
}

impl<E: Clone> TokenLife<E> {
    /// What somebody gets who wants a token. `asking`: a request is under way.
    pub fn acquire(&self, asking: bool, now: Now) -> Acquired<E> {
        let valid = self
            .held
            .as_ref()
            .filter(|lease| lease.expires_at > now.wall + LAST_SECOND);
        if let Some(lease) = valid {
            return Acquired::Held(lease.clone());
        }
        match &self.last_failure {
            Some(error) if !asking && !self.wait(now).is_zero() => Acquired::Failed(error.clone()),
            _ => Acquired::Ask,
        }
    }

    /// Why the last request gave no token.
    pub fn last_failure(&self) -> Option<E> {
        self.last_failure.clone()
    }

    /// One request gave no token. `retry_after`: how long the endpoint asked to be left alone.
    pub fn failed_once(&mut self, error: E, retry_after: Option<Duration>, now: Now) {
        if let Some(asked) = retry_after {
            self.pace.asked(asked, now.clock);
        }
        if let Some(lease) = &mut self.held {
            lease.renewal_failure = Some(error.clone());
        }
        self.last_failure = Some(error);
    }

    /// No token was had, and it is not tried again for now.
    pub fn gave_up(&mut self, error: E, retry_after: Option<Duration>, now: Now) {
        self.failed_once(error, retry_after, now);
        self.failures = self.failures.saturating_add(1);
        let asked = retry_after.unwrap_or_default();
        let pause = schedule::renewal_pause(self.failures, now.chance);
        self.due = Some(now.clock + pause.max(asked));
        // Whoever has no token at all may ask sooner than a renewal, but not at once.
        self.pace
            .asked(schedule::FAILURE_PAUSE.max(asked), now.clock);
    }

    /// A token was had.
    pub fn obtained(&mut self, token: Token, now: Now) -> Lease<E> {
        if self.refused != Some(self.generation) {
            self.refusals = 0;
        }
        self.generation += 1;
        self.failures = 0;
        self.last_failure = None;
        self.pace.succeeded();
        let due = schedule::renewal_due(now.wall, token.expires_at, now.chance);
        let due = Duration::from_secs(u64::try_from(due.saturating_sub(now.wall)).unwrap_or(0));
        self.due = Some(now.clock + due.max(schedule::LEAST_PAUSE));
        let lease = Lease {
            secret: Arc::new(token.secret),
            object_id: token.object_id,
            expires_at: token.expires_at,
            generation: self.generation,
            renewal_failure: None,
        };
        self.held = Some(lease.clone());
        lease
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WALL: i64 = 1_795_597_200;

    /// So many seconds after the start.
    fn at(seconds: u64) -> Now {
        Now {
            clock: Duration::from_secs(1000 + seconds),
            wall: WALL + i64::try_from(seconds).expect("small"),
            chance: 0.0,
        }
    }

    fn token(life: i64) -> Token {
        Token {
            secret: "secret".into(),
            object_id: "8a1f".into(),
            expires_at: WALL + life,
        }
    }

    fn word(acquired: &Acquired<&'static str>) -> String {
        match acquired {
            Acquired::Held(lease) => {
                format!("held {} {:?}", lease.generation, lease.renewal_failure)
            }
            Acquired::Failed(error) => format!("failed {error}"),
            Acquired::Ask => "ask".to_owned(),
        }
    }

    fn life() -> TokenLife<&'static str> {
        TokenLife::default()
    }

    #[test]
    fn a_token_is_held_to_its_last_second_also_while_renewing_fails() {
        let mut life = life();
        assert_eq!(word(&life.acquire(false, at(0))), "ask");
        life.obtained(token(3600), at(0));
        assert_eq!(word(&life.acquire(false, at(1))), "held 1 None");
        assert_eq!(life.due(), Some(at(3300).clock));
        life.sent(at(3300));
        life.gave_up("outage", None, at(3300));
        assert_eq!(
            word(&life.acquire(false, at(3598))),
            "held 1 Some(\"outage\")"
        );
        assert_eq!(word(&life.acquire(false, at(3599))), "ask");
    }

    #[test]
    fn without_a_token_the_last_failure_answers_while_the_endpoint_is_left_alone() {
        let mut life = life();
        life.sent(at(0));
        life.gave_up("outage", None, at(0));
        assert_eq!(word(&life.acquire(false, at(0))), "failed outage");
        // Somebody who asks is joined.
        assert_eq!(word(&life.acquire(true, at(0))), "ask");
        assert_eq!(word(&life.acquire(false, at(2))), "ask");
    }

    #[test]
    fn retry_after_counts_with_and_without_a_token() {
        let minute = Some(Duration::from_secs(60));
        for held in [false, true] {
            let mut life = life();
            if held {
                life.obtained(token(3600), at(0));
            }
            life.sent(at(0));
            life.gave_up("429", minute, at(0));
            assert_eq!(life.wait(at(0)), Duration::from_secs(60), "{held}");
            assert!(life.due() >= Some(at(60).clock), "{held}");
        }
    }

    #[test]
    fn a_refused_token_makes_the_next_one_due_soon_and_later_each_time() {
        let mut life = life();
        let first = life.obtained(token(3600), at(0));
        assert!(life.refused(first.generation, at(10)));
        assert!(!life.refused(first.generation, at(11)), "once is enough");
        assert_eq!(life.due(), Some(at(15).clock));
        let second = life.obtained(token(3600), at(15));
        assert!(life.refused(second.generation, at(16)));
        assert_eq!(life.due(), Some(at(26).clock));
        // One that is taken ends the series.
        life.obtained(token(3600), at(26));
        let fourth = life.obtained(token(3600), at(30));
        assert!(life.refused(fourth.generation, at(31)));
        assert_eq!(life.due(), Some(at(36).clock));
        assert!(
            !life.refused(second.generation, at(40)),
            "an old one is no news"
        );
    }

    #[test]
    fn failures_make_the_pauses_grow_to_a_minute() {
        let mut life = life();
        let mut now = 0;
        let mut pauses = Vec::new();
        for _ in 0..7 {
            life.sent(at(now));
            life.gave_up("outage", None, at(now));
            let due = life.due().expect("one").saturating_sub(at(now).clock);
            pauses.push(due.as_secs());
            now += due.as_secs();
        }
        assert_eq!(pauses, [5, 10, 20, 40, 60, 60, 60]);
    }
}
