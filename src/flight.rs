//! Callers at the same time share one check.
//!
//! The first caller makes the check within its own task and the others wait for its report. A
//! check is not shared by polling one future from several tasks: each import call belongs to the
//! waitable set of the task that made it, and would be left registered there. When the caller
//! that makes the check goes away, the first of those who wait makes a new one; what the host had
//! under way for the old one is joined, not repeated.

use crate::capabilities::Capabilities;
use crate::check::{Observations, observe};
use crate::memory::Memory;
use crate::verdict::judge;
use cache_health_report::{AuthMethod, FallbackReason, Report};
use futures::channel::oneshot;
use std::cell::RefCell;
use std::time::Duration;

type Waiting = Vec<oneshot::Sender<Report>>;

thread_local! {
    static MEMORY: RefCell<Memory> = const { RefCell::new(Memory::new()) };
    /// The check under way, with those who wait for it; one slot for checks that also prove a
    /// new connection, one for those that do not.
    static FLIGHTS: RefCell<[Option<Waiting>; 2]> = const { RefCell::new([None, None]) };
}

/// Checks, joins a check under way, or returns the newest report if that is young enough.
pub async fn check<C: Capabilities>(host: &C, fresh: bool, new_connection: bool) -> Report {
    if !fresh
        && !new_connection
        && let Ok(settings) = host.settings().await
        && let Some(report) = MEMORY.with_borrow(|m| m.newest(settings.max_age, host.now()))
    {
        return report;
    }
    let slot = usize::from(new_connection);
    loop {
        match join(slot) {
            Some(waiting) => {
                // Cancelled: whoever made the check went away. Take its place.
                if let Ok(report) = waiting.await {
                    return report;
                }
            }
            None => {
                let seat = Seat { slot };
                let report = run(host, new_connection).await;
                seat.land(&report);
                return report;
            }
        }
    }
}

async fn run<C: Capabilities>(host: &C, new_connection: bool) -> Report {
    let paused = MEMORY.with_borrow(|memory| memory.paused(host.now()));
    let observations = observe(host, paused, new_connection).await;
    let now = host.now();
    MEMORY.with_borrow_mut(|memory| remember(memory, &observations, now));
    let report = judge(observations);
    MEMORY.with_borrow_mut(|memory| memory.keep(&report, now));
    report
}

/// Leaves Entra out for a while after a fallback that worked, and only then: with a key that
/// fails too, each check must find out whether Entra works again.
fn remember(memory: &mut Memory, observations: &Observations, now: Duration) {
    let Some(last) = observations.attempts.last() else {
        return;
    };
    if last.trouble.is_some() || last.candidate.method == AuthMethod::Entra {
        memory.clear_pause();
        return;
    }
    let first = &observations.attempts[0];
    let tried_now = first.candidate.method == AuthMethod::Entra;
    let reason = observations
        .attempts
        .get(1)
        .and_then(|attempt| attempt.reason);
    if let (true, Some(FallbackReason::Failed(kind))) = (tried_now, reason) {
        memory.entra_failed(kind, now);
    }
}

/// A place among those who wait; none when there is no check under way, which is then ours.
fn join(slot: usize) -> Option<oneshot::Receiver<Report>> {
    FLIGHTS.with_borrow_mut(|flights| match &mut flights[slot] {
        Some(waiting) => {
            let (sender, receiver) = oneshot::channel();
            waiting.push(sender);
            Some(receiver)
        }
        empty @ None => {
            *empty = Some(Vec::new());
            None
        }
    })
}

/// Held by the caller that makes the check. Dropped before it landed, those who wait are told by
/// the drop of their channels.
struct Seat {
    slot: usize,
}

impl Seat {
    fn land(self, report: &Report) {
        for waiting in self.vacate() {
            // A caller that went away needs no report.
            let _ = waiting.send(report.clone());
        }
    }

    fn vacate(&self) -> Waiting {
        FLIGHTS.with_borrow_mut(|flights| flights[self.slot].take().unwrap_or_default())
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        drop(self.vacate());
    }
}
