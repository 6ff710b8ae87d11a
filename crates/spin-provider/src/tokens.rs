//! The tokens of this instance, by the rules of [`cache_health_provider::token_life`].
//!
//! Nothing runs between requests on Spin, so a renewal is made by the check that finds it due.

use crate::clock;
use crate::identity;
use cache_health_provider::config::{Candidate, Config, Identity, Which};
use cache_health_provider::identity::{NoToken, Token, unavailable};
use cache_health_provider::schedule;
use cache_health_provider::token_life::{Acquired, Lease, Now, TokenLife};
use cache_health_report::Failure;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

/// Whose token it is, and what for: another identity may be configured by now.
type Whose = (Option<Which>, Option<String>, String);

#[derive(Default)]
struct State {
    life: TokenLife<Failure>,
    whose: Option<Whose>,
}

thread_local! {
    static STATES: RefCell<BTreeMap<u32, State>> = const { RefCell::new(BTreeMap::new()) };
}

fn whose(identity: &Identity, resource: &str) -> Whose {
    let (which, client_id) = match identity {
        Identity::Managed(managed) => (Some(managed.which.clone()), None),
        Identity::Application(application, _) => (None, Some(application.client_id.clone())),
        Identity::Tool(_) => (None, None),
    };
    (which, client_id, resource.to_owned())
}

/// The newest token of one of the identities, within the budget.
pub async fn acquire(
    identity: &Identity,
    config: &Config,
    budget: Duration,
) -> Result<Lease<Failure>, Failure> {
    let asked = Asked {
        identity,
        resource: &config.resource,
        id: identity.candidate().id(),
    };
    let whose = whose(identity, &config.resource);
    let (acquired, due) = asked.with(|state| {
        if state.whose.as_ref() != Some(&whose) {
            state.life.forget();
            state.whose = Some(whose);
        }
        let now = now();
        let due = state.life.due().is_some_and(|due| due <= now.clock);
        (state.life.acquire(false, now), due)
    });
    match acquired {
        Acquired::Failed(error) => Err(error),
        Acquired::Ask => asked.fetch(budget).await,
        Acquired::Held(lease) if !due => Ok(lease),
        // A renewal must not eat the time of the check that has a valid token already.
        Acquired::Held(lease) => match asked.fetch(budget / 2).await {
            Ok(renewed) => Ok(renewed),
            Err(error) => Ok(Lease {
                renewal_failure: Some(error),
                ..lease
            }),
        },
    }
}

/// Redis refused this token.
pub fn refused(candidate: Candidate, generation: u64) {
    STATES.with_borrow_mut(|states| {
        let state = states.entry(candidate.id()).or_default();
        state.life.refused(generation, now());
    });
}

/// Whose token is asked for, and what for.
struct Asked<'a> {
    identity: &'a Identity,
    resource: &'a str,
    id: u32,
}

impl Asked<'_> {
    fn with<T>(&self, use_it: impl FnOnce(&mut State) -> T) -> T {
        STATES.with_borrow_mut(|states| use_it(states.entry(self.id).or_default()))
    }

    /// Tries until there is a token, a no, or no time left; then what was said last.
    async fn fetch(&self, budget: Duration) -> Result<Lease<Failure>, Failure> {
        let result = clock::within(budget, self.try_for_long()).await;
        let no_token = match result {
            Some(Ok(token)) => return Ok(self.with(|state| state.life.obtained(token, now()))),
            Some(Err(no_token)) => no_token,
            None => {
                let last = self.with(|state| state.life.last_failure());
                last.unwrap_or_else(|| unavailable("timeout")).into()
            }
        };
        let (failure, retry_after) = (no_token.failure, no_token.retry_after);
        self.with(|state| state.life.gave_up(failure.clone(), retry_after, now()));
        Err(failure)
    }

    async fn try_for_long(&self) -> Result<Token, NoToken> {
        let mut tries = 0;
        loop {
            clock::pause(self.with(|state| state.life.wait(now()))).await;
            self.with(|state| state.life.sent(now()));
            tries += 1;
            let asked = identity::request(self.identity, self.resource, clock::wall_clock());
            let no_token = match asked.await {
                Ok(token) => return Ok(token),
                Err(no_token) => no_token,
            };
            if !schedule::is_worth_a_retry(&no_token.failure) {
                return Err(no_token);
            }
            let (failure, retry_after) = (no_token.failure, no_token.retry_after);
            self.with(|state| state.life.failed_once(failure, retry_after, now()));
            clock::pause(schedule::retry_pause(tries, retry_after, 0.0)).await;
        }
    }
}

fn now() -> Now {
    Now {
        clock: clock::now(),
        wall: clock::wall_clock(),
        chance: 0.0,
    }
}
