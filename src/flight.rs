//! Callers at the same time share one check.
//!
//! The first caller makes the check within its own task and the others wait for its report. A
//! check is not shared by polling one future from several tasks: each import call belongs to the
//! waitable set of the task that made it, and would be left registered there. When the caller
//! that makes the check goes away, the first of those who wait makes a new one; what the host had
//! under way for the old one is joined, not repeated.
//!
//! Those who wait look for the report by the clock instead of being woken: waking one task from
//! another traps on wasmtime 48 with the wit-bindgen that spin-sdk 7 uses
//! (`docs/decisions/0003-waiting-by-the-clock.md`).

use crate::attempt::Proof;
use crate::capabilities::Capabilities;
use crate::check::{observe, settings};
use crate::history::History;
use crate::observations::Observations;
use crate::verdict::judge;
use cache_health_report::{AuthMethod, FallbackReason, Report};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

/// How soon those who wait look for the first time; doubled with each look.
const FIRST_LOOK: Duration = Duration::from_millis(1);
/// The longest pause between two looks.
const LAST_LOOK: Duration = Duration::from_millis(32);

/// What a caller asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The newest report if it is young enough, and otherwise a check.
    Recent,
    /// A check.
    Fresh(Proof),
}

/// What became of a check.
enum Landing {
    UnderWay,
    Landed(Rc<Report>),
    /// The caller that made it went away.
    Abandoned,
}

type Flight = Rc<RefCell<Landing>>;

thread_local! {
    static HISTORY: RefCell<History> = const { RefCell::new(History::new()) };
    /// The check under way: one slot for checks that also prove a new connection, one for those
    /// that do not.
    static FLIGHTS: RefCell<[Option<Flight>; 2]> = const { RefCell::new([None, None]) };
}

/// Checks, joins a check under way, or returns the newest report if that is young enough.
pub async fn check<C: Capabilities>(host: &C, asked: Asked) -> Report {
    let proof = match asked {
        Asked::Recent => Proof::Kept,
        Asked::Fresh(proof) => proof,
    };
    if asked == Asked::Recent
        && let Some(Ok(settings)) = settings(host).await
        && let Some(report) = HISTORY.with_borrow(|m| m.newest(settings.max_age, host.now()))
    {
        return report;
    }
    let slot = usize::from(proof == Proof::NewConnection);
    loop {
        if let Some(flight) = under_way(slot) {
            match landing(host, &flight).await {
                Some(report) => return report,
                // Take the place of the caller that went away.
                None => continue,
            }
        }
        let seat = Seat::take(slot);
        let report = run(host, proof).await;
        seat.land(Rc::clone(&report));
        return Rc::unwrap_or_clone(report);
    }
}

/// Waits for a check to land; none when it was abandoned.
async fn landing<C: Capabilities>(host: &C, flight: &Flight) -> Option<Report> {
    let mut pause = FIRST_LOOK;
    loop {
        host.wait(pause).await;
        pause = (pause * 2).min(LAST_LOOK);
        match &*flight.borrow() {
            Landing::UnderWay => {}
            Landing::Landed(report) => return Some(Report::clone(report)),
            Landing::Abandoned => return None,
        }
    }
}

async fn run<C: Capabilities>(host: &C, proof: Proof) -> Rc<Report> {
    let paused = HISTORY.with_borrow(|history| history.paused(|| host.now()));
    let observations = observe(host, paused, proof).await;
    let now = host.now();
    HISTORY.with_borrow_mut(|history| record(history, &observations, now));
    let report = Rc::new(judge(observations));
    HISTORY.with_borrow_mut(|history| history.keep(&report, now));
    report
}

/// Leaves Entra out for a while after a fallback that worked, and only then: with a key that
/// fails too, each check must find out whether Entra works again.
fn record(history: &mut History, observations: &Observations, now: Duration) {
    let Some(last) = observations.attempts.last() else {
        return;
    };
    if last.trouble.is_some() || last.candidate.method == AuthMethod::Entra {
        history.clear_pause();
        return;
    }
    let first = &observations.attempts[0];
    let tried_now = first.candidate.method == AuthMethod::Entra;
    let reason = observations
        .attempts
        .get(1)
        .and_then(|attempt| attempt.reason);
    if let (true, Some(FallbackReason::Failed(kind))) = (tried_now, reason) {
        history.entra_failed(kind, now);
    }
}

fn under_way(slot: usize) -> Option<Flight> {
    FLIGHTS.with_borrow(|flights| flights[slot].clone())
}

/// Held by the caller that makes the check; dropped before it landed, it tells those who wait.
struct Seat {
    slot: usize,
    flight: Flight,
}

impl Seat {
    fn take(slot: usize) -> Self {
        let flight = Rc::new(RefCell::new(Landing::UnderWay));
        FLIGHTS.with_borrow_mut(|flights| flights[slot] = Some(Rc::clone(&flight)));
        Self { slot, flight }
    }

    fn land(self, report: Rc<Report>) {
        *self.flight.borrow_mut() = Landing::Landed(report);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        FLIGHTS.with_borrow_mut(|flights| flights[self.slot] = None);
        let mut landing = self.flight.borrow_mut();
        if matches!(*landing, Landing::UnderWay) {
            *landing = Landing::Abandoned;
        }
    }
}

#[cfg(test)]
mod tests;
