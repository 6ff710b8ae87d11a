//! Ends the epochs of wasmtime's engines, which is what makes a guest that computes without pause yield. Only while the
//! thread of the runtime works: a guest is polled nowhere else, and a probe that waits for its next sample should cost nothing.
//!
//! On a thread of its own: a guest that computes without pause holds the one that runs tasks.

use parking_lot::Mutex;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Thread;
use std::time::Duration;
use wasmtime::{Engine, EngineWeak};

/// How often an epoch ends: a guest that computes without pause yields to others this often.
const EPOCH: Duration = Duration::from_millis(10);
/// After how many epochs without work nobody counts them any more. A check has many short waits, and waking a thread costs
/// more than letting it sleep once more.
const QUIET: u32 = 2;

/// Whether the runtime's thread works, as far as it has said; it starts at work.
static WORKS: AtomicBool = AtomicBool::new(true);
/// Whether it worked since the last epoch ended.
static WORKED: AtomicBool = AtomicBool::new(true);
/// Whether nobody counts.
static STOPPED: AtomicBool = AtomicBool::new(false);
static COUNTER: OnceLock<Thread> = OnceLock::new();
static ENGINES: Mutex<Vec<EngineWeak>> = Mutex::new(Vec::new());

/// The runtime's thread is about to wait: `on_thread_park` of a runtime of one thread.
pub fn waits() {
    WORKS.store(false, Ordering::SeqCst);
}

/// The runtime's thread has something to do: `on_thread_unpark`.
pub fn works() {
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
pub fn count(engine: &Engine) {
    let mut engines = ENGINES.lock();
    engines.push(engine.weak());
    COUNTER.get_or_init(|| std::thread::spawn(count_for_ever).thread().clone());
}

fn count_for_ever() {
    let mut quiet = 0;
    loop {
        std::thread::sleep(EPOCH);
        end_epochs();
        let busy = WORKED.swap(false, Ordering::Relaxed) || WORKS.load(Ordering::SeqCst);
        quiet = if busy { 0 } else { quiet + 1 };
        if quiet == QUIET {
            stop();
            quiet = 0;
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
