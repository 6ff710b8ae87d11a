//! The tokens of one identity: by the rules of [`cache_health_provider::token_life`], with a renewal in the background.
//!
//! The host owns a fetch: whoever stops waiting for it does not cancel it, and the next check
//! joins it. However many ask, there is one fetch at a time.

use crate::clock;
use crate::hedge::hedged;
use crate::identity::source::Source;
use crate::task::{self, SharedTask};
use cache_health_provider::identity::{NoToken, Token, unavailable};
use cache_health_provider::schedule;
use cache_health_provider::token_life::{self, Acquired, Now, TokenLife};
use cache_health_report::Failure;
use parking_lot::{Mutex, MutexGuard};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tracing::{debug, info, warn};

/// How long one fetch may go on trying at least.
const LEAST_LIMIT: Duration = Duration::from_secs(15);

/// How long a request takes before a second is made beside it: it may be lost, or slow.
const SECOND_REQUEST: Duration = Duration::from_secs(5);

/// How often at least to look when the next renewal is due.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// A token on loan.
pub type Lease = token_life::Lease<Failure>;

type Fetch = SharedTask<Result<Lease, Failure>>;
/// Told of every new token before anybody can get it.
type OnRenewed = Box<dyn Fn(&Lease) + Send + Sync>;

#[derive(Default)]
struct State {
    life: TokenLife<Failure>,
    fetch: Option<Fetch>,
}

/// The tokens of one identity.
pub struct Tokens {
    source: Source,
    /// How long one fetch may go on trying.
    limit: Duration,
    renewed: OnRenewed,
    /// A renewal is due earlier than it was.
    earlier: Notify,
    /// Somebody asked for a token.
    wanted: Notify,
    state: Mutex<State>,
}

impl Tokens {
    /// The tokens of this identity. `timeout`: what a check may take.
    pub fn new(
        source: Source,
        timeout: Duration,
        renewed: impl Fn(&Lease) + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            source,
            limit: timeout.max(LEAST_LIMIT),
            renewed: Box::new(renewed),
            earlier: Notify::new(),
            wanted: Notify::new(),
            state: Mutex::default(),
        })
    }

    /// The newest token.
    pub async fn acquire(self: &Arc<Self>, budget: Duration) -> Result<Lease, Failure> {
        self.wanted.notify_one();
        let fetch = {
            let mut state = self.lock();
            match state.life.acquire(state.fetch.is_some(), moment()) {
                Acquired::Held(lease) => return Ok(lease),
                Acquired::Failed(error) => return Err(error),
                Acquired::Ask => self.join_or_start(&mut state),
            }
        };
        match tokio::time::timeout(budget, fetch).await {
            Ok(result) => result,
            Err(_) => {
                let last = self.lock().life.last_failure();
                Err(last.unwrap_or_else(|| unavailable("timeout")))
            }
        }
    }

    /// Renews the token whenever that is due, for ever. `at_once`: without one that somebody asked for before.
    pub async fn keep_renewed(self: Arc<Self>, at_once: bool) {
        if !at_once {
            self.wanted.notified().await;
        }
        loop {
            let now = clock::now();
            let due = self.lock().life.due().unwrap_or(now);
            let wait = due.saturating_sub(now);
            if wait.is_zero() {
                let fetch = self.join_or_start(&mut self.lock());
                // Good or bad, it left word of when the next one is due.
                let _ = fetch.await;
            } else {
                // A check may fetch a token in the meantime, and that may be due sooner.
                tokio::select! {
                    () = tokio::time::sleep(wait.min(LOOK_AGAIN)) => {}
                    () = self.earlier.notified() => {}
                }
            }
        }
    }

    /// Redis refused this token: another is asked for soon.
    pub fn refused(&self, generation: u64) {
        if self.lock().life.refused(generation, moment()) {
            self.earlier.notify_one();
        }
    }

    fn join_or_start(self: &Arc<Self>, state: &mut State) -> Fetch {
        if let Some(fetch) = &state.fetch
            && fetch.peek().is_none()
        {
            return fetch.clone();
        }
        let task = tokio::spawn(Arc::clone(self).fetch());
        let tokens = Arc::clone(self);
        let fetch = task::shared(task, move || {
            // The next one is not due at once.
            let no_token = NoToken::from(unavailable("unreachable"));
            tokens.give_up(no_token.clone());
            Err(no_token.failure)
        });
        state.fetch = Some(fetch.clone());
        fetch
    }

    /// Tries until there is a token, a no, or no time left.
    async fn fetch(self: Arc<Self>) -> Result<Lease, Failure> {
        let until = Instant::now() + self.limit;
        let mut tries = 0;
        let no_token = loop {
            let (wait, last) = {
                let state = self.lock();
                (state.life.wait(moment()), state.life.last_failure())
            };
            if let Some(last) = last.filter(|_| Instant::now() + wait >= until) {
                break NoToken::from(last);
            }
            tokio::time::sleep(wait).await;
            tries += 1;
            let no_token = match self.request(until).await {
                Ok(token) => return Ok(self.hold(token)),
                Err(no_token) => no_token,
            };
            debug!(failure = ?no_token.failure, tries, "no token");
            let Some(pause) = pause_before_retry(&no_token, tries, until) else {
                break no_token;
            };
            let (failure, asked) = (no_token.failure, no_token.retry_after);
            self.lock().life.failed_once(failure, asked, moment());
            tokio::time::sleep(pause).await;
        };
        self.give_up(no_token.clone());
        Err(no_token.failure)
    }

    /// Asks once; and once more beside that when there is no answer for a while.
    async fn request(&self, until: Instant) -> Result<Token, NoToken> {
        let request = |_| {
            self.lock().life.sent(moment());
            self.source.request()
        };
        tokio::time::timeout_at(until.into(), hedged(SECOND_REQUEST, request))
            .await
            .unwrap_or_else(|_| Err(unavailable("timeout").into()))
    }

    fn hold(&self, token: Token) -> Lease {
        let mut state = self.lock();
        state.fetch = None;
        let lease = state.life.obtained(token, moment());
        info!(
            principal = lease.object_id,
            expires_in_seconds = lease.expires_at.saturating_sub(clock::wall_seconds()),
            "got an Entra token"
        );
        (self.renewed)(&lease);
        lease
    }

    fn give_up(&self, no_token: NoToken) {
        let NoToken {
            failure,
            retry_after,
        } = no_token;
        warn!(kind = %failure.kind, evidence = ?failure.evidence, "could not get an Entra token");
        let mut state = self.lock();
        state.fetch = None;
        state.life.gave_up(failure, retry_after, moment());
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

fn moment() -> Now {
    Now {
        clock: clock::now(),
        wall: clock::wall_seconds(),
        chance: fastrand::f64(),
    }
}

/// Whether, and after how long, to try again within one fetch.
fn pause_before_retry(no_token: &NoToken, tries: u32, until: Instant) -> Option<Duration> {
    if !schedule::is_worth_a_retry(&no_token.failure) {
        return None;
    }
    let pause = schedule::retry_pause(tries, no_token.retry_after, fastrand::f64());
    (Instant::now() + pause < until).then_some(pause)
}
