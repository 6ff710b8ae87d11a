//! Ends the epochs of wasmtime's engines, which is what makes a guest that computes without pause yield. Only while a guest may
//! compute: a probe that waits for its next sample should cost nothing.
//!
//! On a thread of its own: a guest that computes without pause holds the one that runs tasks.

use parking_lot::Mutex;
use std::pin::pin;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Thread;
use std::time::Duration;
use wasmtime::{Engine, EngineWeak};

/// How often an epoch ends: a guest that computes without pause yields to others this often.
const EPOCH: Duration = Duration::from_millis(10);

/// Whether a guest may compute now; at the start, one may.
static WORKS: AtomicBool = AtomicBool::new(true);
/// Whether one may have since the last epoch ended.
static WORKED: AtomicBool = AtomicBool::new(true);
/// Whether guests are polled by tasks that are not ours, so that any work of the runtime's thread may be theirs.
static ANYWHERE: AtomicBool = AtomicBool::new(false);
/// Whether nobody counts.
static STOPPED: AtomicBool = AtomicBool::new(false);
static COUNTER: OnceLock<Thread> = OnceLock::new();
static ENGINES: Mutex<Vec<EngineWeak>> = Mutex::new(Vec::new());

/// Where the guests of an engine are polled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Polled {
    /// In [`while_polled`] and nowhere else.
    Within,
    /// In tasks that are not ours to wrap: those of wasmtime's HTTP handler.
    Anywhere,
}

/// The runtime's thread is about to wait: `on_thread_park` of a runtime of one thread.
pub fn thread_waits() {
    if ANYWHERE.load(Ordering::Relaxed) {
        waits();
    }
}

/// The runtime's thread has something to do: `on_thread_unpark`.
pub fn thread_works() {
    if ANYWHERE.load(Ordering::Relaxed) {
        works();
    }
}

/// Polls guests, of whom nobody is polled in between.
pub async fn while_polled<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    std::future::poll_fn(|context| {
        works();
        let polled = future.as_mut().poll(context);
        // The thread's hooks say so where it may be work for somebody else's guest.
        if !ANYWHERE.load(Ordering::Relaxed) {
            waits();
        }
        polled
    })
    .await
}

fn waits() {
    WORKS.store(false, Ordering::SeqCst);
}

fn works() {
    WORKED.store(true, Ordering::Relaxed);
    WORKS.store(true, Ordering::SeqCst);
    // The counter looks once more after it has said that it stops, so one of the two sees the other.
    if STOPPED.load(Ordering::SeqCst)
        && STOPPED.swap(false, Ordering::SeqCst)
        && let Some(counter) = COUNTER.get()
    {
        counter.unpark();
    }
}

/// Counts the epochs of this engine, for as long as it lives.
pub fn count(engine: &Engine, polled: Polled) {
    if polled == Polled::Anywhere {
        ANYWHERE.store(true, Ordering::Relaxed);
    }
    let mut engines = ENGINES.lock();
    engines.push(engine.weak());
    COUNTER.get_or_init(|| std::thread::spawn(count_for_ever).thread().clone());
}

fn count_for_ever() {
    loop {
        std::thread::sleep(EPOCH);
        end_epochs();
        // A check has many short waits: an epoch without any work is one in which nobody checks.
        let busy = WORKED.swap(false, Ordering::Relaxed) || WORKS.load(Ordering::SeqCst);
        if !busy {
            stop();
        }
    }
}

fn end_epochs() {
    let mut engines = ENGINES.lock();
    engines.retain(|engine| match engine.upgrade() {
        Some(engine) => {
            engine.increment_epoch();
            true
        }
        None => false,
    });
}

/// Until there is work again.
fn stop() {
    STOPPED.store(true, Ordering::SeqCst);
    if WORKS.load(Ordering::SeqCst) {
        STOPPED.store(false, Ordering::SeqCst);
    }
    while STOPPED.load(Ordering::SeqCst) {
        std::thread::park();
    }
}
