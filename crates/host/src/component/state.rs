//! The data of a store: what one instance has, and the little it is given.

use crate::capabilities::{CapabilitiesHost, CapabilitiesView};
use crate::provider::Provider;
use std::sync::Arc;
use wasmtime::component::ResourceTable;
use wasmtime::{StoreLimits, StoreLimitsBuilder};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

/// The most that one memory of an instance may have, in bytes. The component of ours uses about 2 MiB.
pub const MAX_INSTANCE_MEMORY: usize = 32 * 1024 * 1024;
/// The most memories an instance may have. A composition has one for each component in it.
const MAX_MEMORIES: usize = 16;
/// The most tables an instance may have, and the most elements of each.
const MAX_TABLES: usize = 64;
const MAX_TABLE_ELEMENTS: usize = 100_000;
/// The most handles one instance may hold.
const MAX_HANDLES: usize = 4096;

/// The data of a store.
pub struct State {
    wasi: WasiCtx,
    /// Its handles.
    pub table: ResourceTable,
    connections: usize,
    provider: Arc<Provider>,
    /// Memory and tables.
    pub limits: StoreLimits,
}

impl State {
    /// The data of a new instance: no files, no environment, no network, no standard streams.
    pub fn new(provider: Arc<Provider>) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(MAX_HANDLES);
        Self {
            wasi: WasiCtx::builder().build(),
            table,
            connections: 0,
            provider,
            limits: StoreLimitsBuilder::new()
                .memory_size(MAX_INSTANCE_MEMORY)
                .memories(MAX_MEMORIES)
                .tables(MAX_TABLES)
                .table_elements(MAX_TABLE_ELEMENTS)
                .build(),
        }
    }
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
        CapabilitiesView {
            provider: &self.provider,
            table: &mut self.table,
            connections: &mut self.connections,
        }
    }
}
