//! How many connections this instance makes, by the rules of [`cache_health_provider::rate`]: whoever reaches the port may be
//! hostile, and each costs the cache a handshake and a login.

use crate::clock;
use cache_health_provider::config::MAX_CONNECTIONS_AT_ONCE;
use cache_health_provider::rate::{Caller, RateLimit};
use std::cell::RefCell;
use std::time::Duration;

thread_local! {
    static CONNECTIONS: RefCell<Option<RateLimit>> = const { RefCell::new(None) };
}

/// Takes the permit for a connection, or waits for one within the budget; whether there was one. `per_second`: as
/// configured when the instance made its first.
pub async fn connection(caller: Caller, per_second: u32, budget: Duration) -> bool {
    let until = clock::now().saturating_add(budget);
    loop {
        let now = clock::now();
        let taken = CONNECTIONS.with_borrow_mut(|limit| {
            limit
                .get_or_insert_with(|| RateLimit::new(MAX_CONNECTIONS_AT_ONCE, per_second))
                .take(caller, now)
        });
        let Err(wait) = taken else { return true };
        if now.saturating_add(wait) > until {
            return false;
        }
        clock::pause(wait).await;
    }
}
