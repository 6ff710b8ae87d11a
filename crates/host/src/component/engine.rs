//! The engine, and its epochs.

use std::time::Duration;
use wasmtime::{Engine, Result, Store};

/// How often the epoch ends: a guest that computes without pause yields to others this often.
const EPOCH: Duration = Duration::from_millis(10);

/// An engine whose epochs are counted for as long as it lives.
pub fn engine() -> Result<Engine> {
    let engine = Engine::new(&cache_health_engine::config())?;
    count_epochs(&engine);
    Ok(engine)
}

/// Lets the guests of a store yield with each epoch.
pub fn yield_with_each_epoch<T: 'static>(store: &mut Store<T>) {
    store.set_epoch_deadline(1);
    store.epoch_deadline_async_yield_and_update(1);
}

/// Ends the engine's epochs. On a thread of its own: a guest that computes without pause could hold
/// every thread that runs tasks.
fn count_epochs(engine: &Engine) {
    let engine = engine.weak();
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(EPOCH);
            match engine.upgrade() {
                Some(engine) => engine.increment_epoch(),
                None => break,
            }
        }
    });
}
