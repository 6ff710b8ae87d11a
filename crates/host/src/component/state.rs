//! The data of a store: what one instance has, and the little it is given.

use crate::capabilities::{Capabilities, CapabilitiesHost, CapabilitiesView};
use crate::clock::GuestClock;
use crate::component::limits::{GuestLimits, InstanceLimits};
use crate::provider::Provider;
use cache_health_provider::rate::Caller;
use std::sync::Arc;
use wasmtime::Store;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

/// The most handles one instance may hold: of what the host has for it, and of calls that it has not seen the end of.
const MAX_HANDLES: usize = 1024;
/// The most random bytes a guest gets with one call. `wasi:random` lets it ask again.
const MAX_RANDOM: u64 = 64 * 1024;
/// What one call of a guest may make the host hold, in bytes: strings and lists that it passes.
const MAX_HOST_CALL: usize = 1024 * 1024;

/// The data of a store.
pub struct State {
    wasi: WasiCtx,
    /// Its handles.
    pub table: ResourceTable,
    capabilities: Capabilities,
    /// Memory, tables and connections.
    pub limits: InstanceLimits,
}

impl State {
    /// The data of a new instance: no files, no environment, no network, no standard streams. `guests`: the
    /// limits that it shares with others.
    pub fn new(provider: Arc<Provider>, caller: Caller, guests: &Arc<GuestLimits>) -> Self {
        Self::with(&mut WasiCtx::builder(), provider, caller, guests)
    }

    /// The same with what `wasi` gives it besides.
    pub fn with(
        wasi: &mut WasiCtxBuilder,
        provider: Arc<Provider>,
        caller: Caller,
        guests: &Arc<GuestLimits>,
    ) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(MAX_HANDLES);
        let connections = Arc::clone(guests.connections());
        Self {
            wasi: wasi
                .monotonic_clock(GuestClock::new())
                .max_random_size(MAX_RANDOM)
                .build(),
            table,
            capabilities: Capabilities::sharing(provider, connections, caller),
            limits: InstanceLimits::of(guests),
        }
    }
}

/// What every store has that a guest lives in.
pub fn limit<T: 'static>(
    store: &mut Store<T>,
    limits: impl Fn(&mut T) -> &mut InstanceLimits + Send + Sync + 'static,
) {
    store.limiter(move |state| limits(state));
    store.set_hostcall_fuel(MAX_HOST_CALL);
    store.set_max_component_handles(MAX_HANDLES);
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl CapabilitiesHost for State {
    fn capabilities(&mut self) -> CapabilitiesView<'_> {
        self.capabilities.view(&mut self.table)
    }
}
