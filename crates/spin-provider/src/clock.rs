//! The clocks, and the limit that Spin does not set.

use futures::future::{Either, select};
use std::pin::pin;
use std::time::Duration;
use wasi::clocks::{monotonic_clock, system_clock};

/// A monotonic clock.
pub fn now() -> Duration {
    Duration::from_nanos(monotonic_clock::now())
}

/// Seconds since 1970-01-01T00:00:00Z.
pub fn wall_clock() -> i64 {
    system_clock::now().seconds
}

/// Runs `call` for at most `budget`; none when it did not end by then. Spin sets no time-out on
/// Redis. What is dropped here is cancelled in Spin, so that abandoned calls do not pile up.
pub async fn within<T>(budget: Duration, call: impl Future<Output = T>) -> Option<T> {
    let nanoseconds = u64::try_from(budget.as_nanos()).unwrap_or(u64::MAX);
    match select(pin!(call), pin!(monotonic_clock::wait_for(nanoseconds))).await {
        Either::Left((output, _)) => Some(output),
        Either::Right(_) => None,
    }
}

/// Waits.
pub async fn pause(duration: Duration) {
    monotonic_clock::wait_for(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)).await;
}
