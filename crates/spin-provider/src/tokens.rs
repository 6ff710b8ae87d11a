//! The token of this instance: kept, renewed in time, kept on while renewing fails.
//!
//! Nothing runs between requests on Spin, so a renewal is made by the check that finds it due.

use crate::clock;
use crate::identity;
use cache_health_provider::config::ManagedIdentity;
use cache_health_provider::identity::{IdentityError, Token, Unavailable};
use cache_health_provider::schedule;
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

/// A token that is held.
#[derive(Clone)]
pub struct Held {
    /// The token.
    pub token: Rc<Token>,
    /// Counts up with every new token.
    pub generation: u64,
    /// Why the last attempt to renew it failed.
    pub renewal_failure: Option<IdentityError>,
    obtained_at: i64,
    /// Whose it is: another identity may be configured by now.
    client_id: Option<String>,
    /// Whether Redis refused it.
    refused: bool,
}

struct State {
    held: Option<Held>,
    failures: u32,
    /// Tokens that Redis refused in a row.
    refusals: u32,
    not_before: Option<Duration>,
    generation: u64,
}

thread_local! {
    static STATE: RefCell<State> = const {
        RefCell::new(State { held: None, failures: 0, refusals: 0, not_before: None, generation: 0 })
    };
}

/// The newest token, within the budget.
pub async fn acquire(
    configured: &ManagedIdentity,
    budget: Duration,
) -> Result<Held, IdentityError> {
    let now = clock::wall_clock();
    let held = STATE.with_borrow(|state| state.held.clone());
    let held =
        held.filter(|held| held.token.expires_at > now && held.client_id == configured.client_id);
    if let Some(held) = &held
        && !is_due(held, now)
    {
        return Ok(held.clone());
    }
    // A renewal must not eat the time of the check that has a valid token already.
    let share = if held.is_some() { budget / 2 } else { budget };
    match fetch(configured, share).await {
        Ok(token) => Ok(hold(token, configured.client_id.clone())),
        Err(error) => fail(error, held),
    }
}

fn is_due(held: &Held, now: i64) -> bool {
    let due = schedule::renewal_due(held.obtained_at, held.token.expires_at, 0.0) <= now;
    (due || held.refused)
        && STATE.with_borrow(|state| state.not_before.is_none_or(|at| at <= clock::now()))
}

/// Tries until there is a token, a no, or no time left; then what was said last.
async fn fetch(configured: &ManagedIdentity, budget: Duration) -> Result<Token, IdentityError> {
    let last = RefCell::new(IdentityError::Unavailable(Unavailable::Timeout));
    let tries = async {
        let mut tries = 0;
        loop {
            tries += 1;
            match identity::request(configured, clock::wall_clock()).await {
                Ok(token) => return Ok(token),
                Err(error) if !schedule::is_worth_a_retry(error) => return Err(error),
                Err(error) => *last.borrow_mut() = error,
            }
            clock::pause(schedule::retry_pause(tries, None, 0.0)).await;
        }
    };
    let result = clock::within(budget, tries).await;
    result.unwrap_or_else(|| Err(last.into_inner()))
}

/// Redis refused this token: its identity may have been made anew. Another is asked for with the
/// next check, after pauses that grow while they are refused as well.
pub fn refused(generation: u64) {
    STATE.with_borrow_mut(|state| {
        let current = state
            .held
            .as_mut()
            .filter(|held| held.generation == generation && !held.refused);
        if let Some(held) = current {
            held.refused = true;
            state.refusals = state.refusals.saturating_add(1);
            let pause = schedule::renewal_pause(state.refusals, 0.0);
            state.not_before = Some(clock::now() + pause);
        }
    });
}

fn hold(token: Token, client_id: Option<String>) -> Held {
    STATE.with_borrow_mut(|state| {
        if state.held.as_ref().is_none_or(|held| !held.refused) {
            state.refusals = 0;
        }
        state.generation += 1;
        state.failures = 0;
        state.not_before = Some(clock::now() + schedule::LEAST_PAUSE);
        let held = Held {
            token: Rc::new(token),
            generation: state.generation,
            renewal_failure: None,
            obtained_at: clock::wall_clock(),
            client_id,
            refused: false,
        };
        state.held = Some(held.clone());
        held
    })
}

fn fail(error: IdentityError, held: Option<Held>) -> Result<Held, IdentityError> {
    STATE.with_borrow_mut(|state| {
        state.failures = state.failures.saturating_add(1);
        let pause = schedule::renewal_pause(state.failures, 0.0);
        state.not_before = Some(clock::now() + pause);
        let held = held.ok_or(error)?;
        let held = Held {
            renewal_failure: Some(error),
            ..held
        };
        state.held = Some(held.clone());
        Ok(held)
    })
}
