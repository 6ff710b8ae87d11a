//! What callers may cause, per cache: every dial and every check goes through here, whoever asks for it.
//!
//! Whoever reaches the port may be hostile, and so may a component. Neither may make this program a load on
//! the cache, and neither may keep the background sampler from its own check.

use crate::cache::CacheError;
use crate::clock;
use cache_health_provider::Config;
use cache_health_provider::config::MAX_CONNECTIONS_AT_ONCE;
use cache_health_provider::rate::{Caller, RateLimit};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The permits of one cache.
pub struct Permits {
    /// For new connections: DNS, TCP, TLS, `AUTH`.
    pub connections: Limited,
    /// For checks: a `SET` and a `GET`.
    pub checks: Limited,
}

impl Permits {
    /// As configured.
    pub fn new(config: &Config) -> Self {
        let (connections, checks) = (
            config.max_connections_per_second,
            config.max_checks_per_second,
        );
        Self {
            connections: Limited::new(
                "CACHE_HEALTH_MAX_CONNECTIONS_PER_SECOND",
                MAX_CONNECTIONS_AT_ONCE,
                connections,
            ),
            checks: Limited::new("CACHE_HEALTH_MAX_CHECKS_PER_SECOND", checks, checks),
        }
    }
}

/// Permits of one kind.
pub struct Limited {
    /// Where the limit is set.
    pub variable: &'static str,
    limit: Mutex<RateLimit>,
    /// Callers wait in the order in which they came.
    turn: tokio::sync::Mutex<()>,
}

impl Limited {
    fn new(variable: &'static str, burst: u32, per_second: u32) -> Self {
        Self {
            variable,
            limit: Mutex::new(RateLimit::new(burst, per_second)),
            turn: tokio::sync::Mutex::default(),
        }
    }

    /// Takes a permit, or waits for one: this long at most.
    pub async fn take(&self, caller: Caller, limit: Duration) -> Result<(), CacheError> {
        let until = Instant::now() + limit;
        let _turn = match caller {
            // The sampler waits for nobody.
            Caller::Sampler => None,
            Caller::Request => {
                let turn = tokio::time::timeout_at(until.into(), self.turn.lock());
                Some(turn.await.map_err(|_| CacheError::Limited(self.variable))?)
            }
        };
        loop {
            let taken = self.lock().take(caller, clock::now());
            let Err(wait) = taken else { return Ok(()) };
            if Instant::now() + wait > until {
                return Err(CacheError::Limited(self.variable));
            }
            tokio::time::sleep(wait).await;
        }
    }

    /// Whether a caller would get a permit now.
    pub fn has(&self, caller: Caller) -> bool {
        self.lock().has(caller, clock::now())
    }

    fn lock(&self) -> parking_lot::MutexGuard<'_, RateLimit> {
        self.limit.lock()
    }
}

/// The one check that a connection is handed out for: a `SET` and a `GET`. More of either need permits of
/// their own.
#[derive(Debug)]
pub struct Check {
    /// Whoever it was handed out to.
    pub caller: Caller,
    set: AtomicBool,
    get: AtomicBool,
}

impl Check {
    /// A check that was permitted.
    pub fn permitted(caller: Caller) -> Self {
        Self {
            caller,
            set: AtomicBool::new(true),
            get: AtomicBool::new(true),
        }
    }

    /// Whether the `SET` is still permitted; it is not after this.
    pub fn takes_set(&self) -> bool {
        self.set.swap(false, Ordering::Relaxed)
    }

    /// Whether the `GET` is still permitted; it is not after this.
    pub fn takes_get(&self) -> bool {
        self.get.swap(false, Ordering::Relaxed)
    }

    /// A permit was taken for another `SET`: its `GET` goes with it.
    pub fn renew_get(&self) {
        self.get.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test]
    async fn a_flood_of_callers_does_not_starve_the_sampler() {
        let limited = std::sync::Arc::new(Limited::new("ANY", 4, 2));
        for _ in 0..200 {
            let limited = std::sync::Arc::clone(&limited);
            tokio::spawn(async move { limited.take(Caller::Request, SECOND * 60).await });
        }
        tokio::task::yield_now().await;
        assert!(!limited.has(Caller::Request));
        let taken = limited.take(Caller::Sampler, Duration::ZERO).await;
        assert_eq!(taken, Ok(()));
    }

    #[tokio::test]
    async fn who_cannot_wait_long_enough_is_told_at_once() {
        let limited = Limited::new("ANY", 1, 1);
        assert_eq!(limited.take(Caller::Request, SECOND).await, Ok(()));
        let started = Instant::now();
        let refused = limited.take(Caller::Request, SECOND / 10).await;
        assert_eq!(refused, Err(CacheError::Limited("ANY")));
        assert!(started.elapsed() < SECOND);
    }
}
