//! The engine with its epochs, and what every guest is linked to.

use crate::capabilities::{self, CapabilitiesHost};
use crate::epochs::{self, Polled};
use std::time::Duration;
use wasmtime::component::Linker;
use wasmtime::{Engine, Result, Store};
use wasmtime_wasi::WasiView;

/// How much longer than the deadline of a check a guest may take before it is given up.
pub const GRACE: Duration = Duration::from_secs(1);

/// An engine whose epochs are counted.
pub fn engine(polled: Polled) -> Result<Engine> {
    let engine = Engine::new(&cache_health_compose::engine::config())?;
    epochs::count(&engine, polled);
    Ok(engine)
}

/// Links WASI (of which a store gives little, see [`super::state`]) and the capabilities.
pub fn linker<T: WasiView + CapabilitiesHost>(engine: &Engine) -> Result<Linker<T>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi::p3::add_to_linker(&mut linker)?;
    capabilities::add_to_linker(&mut linker)?;
    Ok(linker)
}

/// Lets the guests of a store yield with each epoch.
pub fn yield_with_each_epoch<T: 'static>(store: &mut Store<T>) {
    store.set_epoch_deadline(1);
    store.epoch_deadline_async_yield_and_update(1);
}
