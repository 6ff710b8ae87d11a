//! The token's life: acquired before it is needed, renewed before it ends, kept while renewing
//! fails.
//!
//! The host owns a fetch: whoever stops waiting for it does not cancel it, and the next check
//! joins it.

use crate::identity::endpoint::{self, Failure, now};
use cache_health_provider::SecretString;
use cache_health_provider::config::ManagedIdentity;
use cache_health_provider::identity::{IdentityError, Token, Unavailable};
use cache_health_provider::schedule;
use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tracing::{debug, info, warn};

/// How long one fetch may go on trying.
const FETCH_LIMIT: Duration = Duration::from_secs(15);

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
    pub renewal_failure: Option<IdentityError>,
}

type Fetch = Shared<BoxFuture<'static, Result<Lease, IdentityError>>>;

#[derive(Default)]
struct State {
    held: Option<(Lease, i64)>,
    fetch: Option<Fetch>,
    /// The last failure of the fetch under way, for those whose patience ends before it does.
    last_failure: Option<IdentityError>,
    /// Renewals that failed in a row, and before when not to try again.
    failures: u32,
    not_before: Option<Instant>,
    generation: u64,
}

/// The tokens of one identity.
pub struct Tokens {
    configured: ManagedIdentity,
    state: Mutex<State>,
}

impl Tokens {
    /// The tokens of this identity.
    pub fn new(configured: ManagedIdentity) -> Arc<Self> {
        Arc::new(Self {
            configured,
            state: Mutex::default(),
        })
    }

    /// The newest token. A renewal that is due is started and not waited for.
    pub async fn acquire(self: &Arc<Self>, budget: Duration) -> Result<Lease, IdentityError> {
        let fetch = {
            let mut state = self.lock();
            match valid(&state, now()) {
                Some(lease) => {
                    self.renew_if_due(&mut state);
                    return Ok(lease);
                }
                None => self.join_or_start(&mut state),
            }
        };
        match tokio::time::timeout(budget, fetch).await {
            Ok(result) => result,
            Err(_) => Err(self
                .lock()
                .last_failure
                .unwrap_or(IdentityError::Unavailable(Unavailable::Timeout))),
        }
    }

    fn renew_if_due(self: &Arc<Self>, state: &mut State) {
        let Some((lease, obtained_at)) = &state.held else {
            return;
        };
        let due = schedule::renewal_due(*obtained_at, lease.expires_at) <= now();
        let allowed = state.not_before.is_none_or(|at| at <= Instant::now());
        if due && allowed && state.fetch.is_none() {
            // Detached: its result is for the next check.
            drop(self.join_or_start(state));
        }
    }

    fn join_or_start(self: &Arc<Self>, state: &mut State) -> Fetch {
        if let Some(fetch) = &state.fetch {
            return fetch.clone();
        }
        state.last_failure = None;
        let task = tokio::spawn(Arc::clone(self).fetch());
        let fetch = async move {
            task.await
                .unwrap_or(Err(IdentityError::Unavailable(Unavailable::Unreachable)))
        }
        .boxed()
        .shared();
        state.fetch = Some(fetch.clone());
        fetch
    }

    /// Tries until there is a token, a no, or no time left.
    async fn fetch(self: Arc<Self>) -> Result<Lease, IdentityError> {
        let until = Instant::now() + FETCH_LIMIT;
        let mut tries = 0;
        let result = loop {
            tries += 1;
            let failure = match endpoint::request(&self.configured).await {
                Ok(token) => break Ok(token),
                Err(failure) => failure,
            };
            debug!(error = ?failure.error, tries, "no token");
            self.lock().last_failure = Some(failure.error);
            let Some(pause) = pause_before_retry(&failure, tries, until) else {
                break Err(failure.error);
            };
            tokio::time::sleep(pause).await;
        };
        let mut state = self.lock();
        state.fetch = None;
        match result {
            Ok(token) => Ok(hold(&mut state, token)),
            Err(error) => {
                fail(&mut state, error);
                Err(error)
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds this lock, and a poisoned one still holds the truth.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn valid(state: &State, now: i64) -> Option<Lease> {
    let (lease, _) = state.held.as_ref()?;
    (lease.expires_at > now).then(|| lease.clone())
}

fn hold(state: &mut State, token: Token) -> Lease {
    let now = now();
    state.generation += 1;
    state.failures = 0;
    state.not_before = Some(Instant::now() + schedule::LEAST_PAUSE);
    let lease = Lease {
        secret: Arc::new(token.secret),
        object_id: token.object_id,
        expires_at: token.expires_at,
        generation: state.generation,
        renewal_failure: None,
    };
    info!(
        principal = lease.object_id,
        expires_in_seconds = lease.expires_at.saturating_sub(now),
        "got an Entra token"
    );
    state.held = Some((lease.clone(), now));
    lease
}

fn fail(state: &mut State, error: IdentityError) {
    state.failures = state.failures.saturating_add(1);
    let pause = schedule::renewal_pause(state.failures, fastrand::f64());
    state.not_before = Some(Instant::now() + pause);
    if let Some((lease, _)) = &mut state.held {
        lease.renewal_failure = Some(error);
    }
    warn!(?error, "could not get an Entra token");
}

/// Whether, and after how long, to try again within one fetch.
fn pause_before_retry(failure: &Failure, tries: u32, until: Instant) -> Option<Duration> {
    if !schedule::is_worth_a_retry(failure.error) {
        return None;
    }
    let pause = schedule::retry_pause(tries, failure.retry_after, fastrand::f64());
    (Instant::now() + pause < until).then_some(pause)
}
