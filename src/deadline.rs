//! The deadline that the component holds by itself.
//!
//! A host is told a budget and should answer before it ends, naming the step it was in. Should it
//! not, the call is dropped here: no capability can hold a check up.

use crate::capabilities::Capabilities;
use futures::FutureExt as _;
use futures::future::{Either, Fuse, LocalBoxFuture, select};
use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

/// What the host is given less than the caller waits, at most: the time its answer needs to get
/// here. A twentieth of what is left, so that short deadlines keep most of themselves.
const MARGIN_MAX: Duration = Duration::from_millis(100);
const MARGIN_SHARE: u32 = 20;

/// A point in time by which a check has to have ended. One timer serves all of its calls, and is
/// only started when the first of them has to be waited for.
pub struct Deadline<'a, C> {
    clock: &'a C,
    at: Duration,
    timer: RefCell<Option<Fuse<LocalBoxFuture<'a, ()>>>>,
}

impl<'a, C: Capabilities> Deadline<'a, C> {
    /// The deadline that lies `length` ahead.
    pub fn after(clock: &'a C, length: Duration) -> Self {
        let at = clock.now().saturating_add(length);
        Self {
            clock,
            at,
            timer: RefCell::new(None),
        }
    }

    /// How long until then, at this time.
    pub fn remaining(&self, now: Duration) -> Duration {
        self.at.saturating_sub(now)
    }

    /// Runs `call` until then; none when it did not end by then.
    pub async fn within<T>(&self, call: impl Future<Output = T>) -> Option<T> {
        let mut call = pin!(call);
        poll_fn(|context| {
            if let Poll::Ready(output) = call.as_mut().poll(context) {
                return Poll::Ready(Some(output));
            }
            let mut timer = self.timer.borrow_mut();
            let timer = timer.get_or_insert_with(|| {
                let wait = self.remaining(self.clock.now());
                self.clock.wait(wait).boxed_local().fuse()
            });
            // Fired for an earlier call.
            if futures::future::FusedFuture::is_terminated(timer) {
                return Poll::Ready(None);
            }
            timer.poll_unpin(context).map(|()| None)
        })
        .await
    }
}

/// What to tell the host its budget is, when the caller waits for `wait`.
pub fn budget(wait: Duration) -> Duration {
    wait - (wait / MARGIN_SHARE).min(MARGIN_MAX)
}

/// Runs `call` for at most `wait`, with a timer of its own; none when it did not end by then.
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
