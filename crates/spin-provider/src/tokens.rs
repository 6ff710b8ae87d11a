//! The token of this instance, by the rules of [`cache_health_provider::token_life`].
//!
//! Nothing runs between requests on Spin, so a renewal is made by the check that finds it due.

use crate::clock;
use crate::identity;
use cache_health_provider::config::ManagedIdentity;
use cache_health_provider::identity::{NoToken, Token, unavailable};
use cache_health_provider::schedule;
use cache_health_provider::token_life::{Acquired, Lease, Now, TokenLife};
use cache_health_report::Failure;
use std::cell::RefCell;
use std::time::Duration;

struct State {
    life: TokenLife<Failure>,
    /// Whose token it is: another identity may be configured by now.
    client_id: Option<String>,
}

thread_local! {
    static STATE: RefCell<State> = const {
        RefCell::new(State { life: TokenLife::new(), client_id: None })
    };
}

/// The newest token, within the budget.
pub async fn acquire(
    configured: &ManagedIdentity,
    budget: Duration,
) -> Result<Lease<Failure>, Failure> {
    let (acquired, due) = STATE.with_borrow_mut(|state| {
        if state.client_id != configured.client_id {
            state.life.forget();
            state.client_id.clone_from(&configured.client_id);
        }
        let now = now();
        let due = state.life.due().is_some_and(|due| due <= now.clock);
        (state.life.acquire(false, now), due)
    });
    match acquired {
        Acquired::Failed(error) => Err(error),
        Acquired::Ask => fetch(configured, budget).await,
        Acquired::Held(lease) if !due => Ok(lease),
        // A renewal must not eat the time of the check that has a valid token already.
        Acquired::Held(lease) => match fetch(configured, budget / 2).await {
            Ok(renewed) => Ok(renewed),
            Err(error) => Ok(Lease {
                renewal_failure: Some(error),
                ..lease
            }),
        },
    }
}

/// Redis refused this token.
pub fn refused(generation: u64) {
    with_life(|life| life.refused(generation, now()));
}

/// Tries until there is a token, a no, or no time left; then what was said last.
async fn fetch(configured: &ManagedIdentity, budget: Duration) -> Result<Lease<Failure>, Failure> {
    let result = clock::within(budget, try_for_long(configured)).await;
    let no_token = match result {
        Some(Ok(token)) => return Ok(with_life(|life| life.obtained(token, now()))),
        Some(Err(no_token)) => no_token,
        None => {
            let last = with_life(|life| life.last_failure());
            last.unwrap_or_else(|| unavailable("timeout")).into()
        }
    };
    let (failure, retry_after) = (no_token.failure, no_token.retry_after);
    with_life(|life| life.gave_up(failure.clone(), retry_after, now()));
    Err(failure)
}

async fn try_for_long(configured: &ManagedIdentity) -> Result<Token, NoToken> {
    let mut tries = 0;
    loop {
        clock::pause(with_life(|life| life.wait(now()))).await;
        with_life(|life| life.sent(now()));
        tries += 1;
        let no_token = match identity::request(configured, clock::wall_clock()).await {
            Ok(token) => return Ok(token),
            Err(no_token) => no_token,
        };
        if !schedule::is_worth_a_retry(&no_token.failure) {
            return Err(no_token);
        }
        let (failure, retry_after) = (no_token.failure, no_token.retry_after);
        with_life(|life| life.failed_once(failure, retry_after, now()));
        clock::pause(schedule::retry_pause(tries, retry_after, 0.0)).await;
    }
}

fn with_life<T>(use_it: impl FnOnce(&mut TokenLife<Failure>) -> T) -> T {
    STATE.with_borrow_mut(|state| use_it(&mut state.life))
}

fn now() -> Now {
    Now {
        clock: clock::now(),
        wall: clock::wall_clock(),
        chance: 0.0,
    }
}
