//! The token's life: acquired before it is needed, renewed before it ends, kept while renewing
//! fails.
//!
//! The host owns a fetch: whoever stops waiting for it does not cancel it, and the next check
//! joins it. However many ask, there is one fetch at a time, and a pause after each.

use crate::clock;
use crate::hedge::hedged;
use crate::identity::exchange::now;
use crate::identity::source::{Failure, Source, TokenError};
use cache_health_provider::SecretString;
use cache_health_provider::identity::{Token, Unavailable};
use cache_health_provider::schedule::{self, Pace};
use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
#[derive(Clone, Debug)]
pub struct Lease {
    /// The token: the password.
    pub secret: Arc<SecretString>,
    /// The object id in it: the user name.
    pub object_id: String,
    /// When it ends, in seconds since 1970-01-01T00:00:00Z.
    pub expires_at: i64,
    /// Counts up with every new token.
    pub generation: u64,
    /// Why the last attempt to renew it failed.
    pub renewal_failure: Option<TokenError>,
}

type Fetch = Shared<BoxFuture<'static, Result<Lease, TokenError>>>;
/// Told of every new token before anybody can get it.
type OnRenewed = Box<dyn Fn(&Lease) + Send + Sync>;

#[derive(Default)]
struct State {
    held: Option<Lease>,
    fetch: Option<Fetch>,
    /// Why the last request gave no token.
    last_failure: Option<TokenError>,
    /// How often a failing endpoint may be asked.
    pace: Pace,
    /// Renewals that failed in a row.
    failures: u32,
    /// Tokens that Redis refused in a row, and the generation of the last.
    refusals: u32,
    refused: Option<u64>,
    /// When the next renewal is due; none before the first token was asked for.
    due: Option<Instant>,
    generation: u64,
}

/// The tokens of one identity.
pub struct Tokens {
    source: Source,
    /// How long one fetch may go on trying.
    limit: Duration,
    renewed: OnRenewed,
    /// A renewal is due earlier than it was.
    earlier: Notify,
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
            state: Mutex::default(),
        })
    }

    /// The newest token.
    pub async fn acquire(self: &Arc<Self>, budget: Duration) -> Result<Lease, TokenError> {
        let fetch = {
            let mut state = self.lock();
            if let Some(lease) = valid(&state, now()) {
                return Ok(lease);
            }
            if let (None, Some(error)) = (&state.fetch, state.last_failure)
                && !state.pace.wait(clock::now()).is_zero()
            {
                return Err(error);
            }
            self.join_or_start(&mut state)
        };
        match tokio::time::timeout(budget, fetch).await {
            Ok(result) => result,
            Err(_) => {
                let last = self.lock().last_failure;
                Err(last.unwrap_or(TokenError::TIMEOUT))
            }
        }
    }

    /// Renews the token whenever that is due, for ever.
    pub async fn keep_renewed(self: Arc<Self>) {
        loop {
            let now = Instant::now();
            let due = self.lock().due.unwrap_or(now);
            if due <= now {
                let fetch = self.join_or_start(&mut self.lock());
                // Good or bad, it left word of when the next one is due.
                let _ = fetch.await;
            } else {
                // A check may fetch a token in the meantime, and that may be due sooner.
                let until = due.min(now + LOOK_AGAIN);
                tokio::select! {
                    () = tokio::time::sleep_until(until.into()) => {}
                    () = self.earlier.notified() => {}
                }
            }
        }
    }

    /// Redis refused this token: its identity may have been made anew, or have got its access only
    /// now. Another is asked for soon, with pauses that grow while they are refused as well.
    pub fn refused(&self, generation: u64) {
        let mut state = self.lock();
        let current = state.generation == generation && state.refused != Some(generation);
        if !current {
            return;
        }
        state.refused = Some(generation);
        state.refusals = state.refusals.saturating_add(1);
        let pause = schedule::renewal_pause(state.refusals, fastrand::f64());
        let soon = Instant::now() + pause;
        state.due = Some(state.due.map_or(soon, |due| due.min(soon)));
        self.earlier.notify_one();
    }

    fn join_or_start(self: &Arc<Self>, state: &mut State) -> Fetch {
        if let Some(fetch) = &state.fetch
            && fetch.peek().is_none()
        {
            return fetch.clone();
        }
        let task = tokio::spawn(Arc::clone(self).fetch());
        let tokens = Arc::clone(self);
        let fetch = async move {
            task.await.unwrap_or_else(|_| {
                // It panicked, or the runtime is going away. The next one is not due at once.
                let failure = Failure::from(Unavailable::Unreachable);
                fail(&mut tokens.lock(), failure);
                Err(failure.error)
            })
        }
        .boxed()
        .shared();
        state.fetch = Some(fetch.clone());
        fetch
    }

    /// Tries until there is a token, a no, or no time left.
    async fn fetch(self: Arc<Self>) -> Result<Lease, TokenError> {
        let until = Instant::now() + self.limit;
        let mut tries = 0;
        let result = loop {
            let (wait, last) = {
                let state = self.lock();
                (state.pace.wait(clock::now()), state.last_failure)
            };
            if let Some(last) = last.filter(|_| Instant::now() + wait >= until) {
                break Err(Failure::again(last));
            }
            tokio::time::sleep(wait).await;
            tries += 1;
            let failure = match self.request(until).await {
                Ok(token) => break Ok(token),
                Err(failure) => failure,
            };
            debug!(error = ?failure.error, tries, "no token");
            self.failed_once(&failure);
            let Some(pause) = pause_before_retry(&failure, tries, until) else {
                break Err(failure);
            };
            tokio::time::sleep(pause).await;
        };
        let mut state = self.lock();
        state.fetch = None;
        match result {
            Ok(token) => Ok(self.hold(&mut state, token)),
            Err(failure) => {
                fail(&mut state, failure);
                Err(failure.error)
            }
        }
    }

    /// Asks once; and once more beside that when there is no answer for a while.
    async fn request(&self, until: Instant) -> Result<Token, Failure> {
        let request = |_| {
            self.lock().pace.sent(clock::now());
            self.source.request()
        };
        tokio::time::timeout_at(until.into(), hedged(SECOND_REQUEST, request))
            .await
            .unwrap_or(Err(Unavailable::Timeout.into()))
    }

    fn failed_once(&self, failure: &Failure) {
        let mut state = self.lock();
        state.last_failure = Some(failure.error);
        if let Some(asked) = failure.retry_after {
            state.pace.asked(asked, clock::now());
        }
        if let Some(lease) = &mut state.held {
            lease.renewal_failure = Some(failure.error);
        }
    }

    fn hold(&self, state: &mut State, token: Token) -> Lease {
        let (wall, clock) = (now(), Instant::now());
        if state.refused != Some(state.generation) {
            state.refusals = 0;
        }
        state.generation += 1;
        state.failures = 0;
        state.last_failure = None;
        state.pace.succeeded();
        let due = schedule::renewal_due(wall, token.expires_at, fastrand::f64());
        let due = Duration::from_secs(u64::try_from(due.saturating_sub(wall)).unwrap_or(0));
        state.due = Some(clock + due.max(schedule::LEAST_PAUSE));
        let lease = Lease {
            secret: Arc::new(token.secret),
            object_id: token.object_id,
            expires_at: token.expires_at,
            generation: state.generation,
            renewal_failure: None,
        };
        info!(
            principal = lease.object_id,
            expires_in_seconds = lease.expires_at.saturating_sub(wall),
            "got an Entra token"
        );
        (self.renewed)(&lease);
        state.held = Some(lease.clone());
        lease
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds this lock, and a poisoned one still holds the truth.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn valid(state: &State, now: i64) -> Option<Lease> {
    let lease = state.held.as_ref()?;
    (lease.expires_at > now).then(|| lease.clone())
}

fn fail(state: &mut State, failure: Failure) {
    let (error, now) = (failure.error, Instant::now());
    let asked = failure.retry_after.unwrap_or_default();
    state.failures = state.failures.saturating_add(1);
    let pause = schedule::renewal_pause(state.failures, fastrand::f64());
    state.due = Some(now + pause.max(asked));
    state.last_failure = Some(error);
    // Whoever has no token at all may ask sooner than a renewal, but not at once.
    let least = schedule::FAILURE_PAUSE.max(asked);
    state.pace.asked(least, clock::now());
    warn!(?error, "could not get an Entra token");
}

/// Whether, and after how long, to try again within one fetch.
fn pause_before_retry(failure: &Failure, tries: u32, until: Instant) -> Option<Duration> {
    if !failure.error.is_worth_a_retry() {
        return None;
    }
    let pause = schedule::retry_pause(tries, failure.retry_after, fastrand::f64());
    (Instant::now() + pause < until).then_some(pause)
}
