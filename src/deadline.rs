//! The deadline that the component holds by itself.
//!
//! A host is told a budget and should answer before it ends, naming the step it was in. Should it
//! not, the call is dropped here: no capability can hold a check up.

use crate::capabilities::Capabilities;
use futures::future::{Either, select};
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

/// What the host is given less than the caller waits, at most: the time its answer needs to get
/// here. A twentieth of what is left, so that short deadlines keep most of themselves.
const MARGIN_MAX: Duration = Duration::from_millis(100);
const MARGIN_SHARE: u32 = 20;

/// A point in time by which a check has to have ended.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    at: Duration,
}

impl Deadline {
    /// The deadline that lies `length` ahead.
    pub fn after(clock: &impl Capabilities, length: Duration) -> Self {
        Self {
            at: clock.now().saturating_add(length),
        }
    }

    /// How long until then.
    pub fn remaining(&self, clock: &impl Capabilities) -> Duration {
        self.at.saturating_sub(clock.now())
    }
}

/// What to tell the host its budget is, when the caller waits for `wait`.
pub fn budget(wait: Duration) -> Duration {
    wait - (wait / MARGIN_SHARE).min(MARGIN_MAX)
}

/// Runs `call` for at most `wait`; none when it did not end by then.
pub async fn within<T>(
    clock: &impl Capabilities,
    wait: Duration,
    call: impl Future<Output = T>,
) -> Option<T> {
    match select(pin!(call), pin!(clock.wait(wait))).await {
        Either::Left((output, _)) => Some(output),
        Either::Right(((), _)) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_leaves_time_for_the_answer() {
        assert_eq!(budget(Duration::from_secs(5)), Duration::from_millis(4900));
        assert_eq!(budget(Duration::from_secs(1)), Duration::from_millis(950));
        assert_eq!(budget(Duration::ZERO), Duration::ZERO);
    }
}
