//! The data of a store: what one instance has, and the little it is given.

use crate::capabilities::{CapabilitiesHost, CapabilitiesView};
use crate::provider::Provider;
use std::sync::Arc;
use wasmtime::component::ResourceTable;
use wasmtime::{StoreLimits, StoreLimitsBuilder};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{
    Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
};

/// The most memory one instance may have, in bytes. The component of ours uses about 2 MiB.
pub const MAX_INSTANCE_MEMORY: usize = 32 * 1024 * 1024;
/// The most handles one instance may hold.
const MAX_HANDLES: usize = 4096;

/// The data of a store.
pub struct State {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    hooks: NoOutgoingHttp,
    table: ResourceTable,
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
            http: WasiHttpCtx::new(),
            hooks: NoOutgoingHttp,
            table,
            connections: 0,
            provider,
            limits: StoreLimitsBuilder::new()
                .memory_size(MAX_INSTANCE_MEMORY)
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

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            ctx: &mut self.http,
            table: &mut self.table,
            hooks: &mut self.hooks,
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

/// Guests answer HTTP; they do not send it.
struct NoOutgoingHttp;

type Sent = Result<(http::Response<WasiBody>, Transmission), Error>;
type Transmission = Box<dyn Future<Output = Result<(), Error>> + Send>;

impl WasiHttpHooks for NoOutgoingHttp {
    fn send_request(
        &mut self,
        _request: http::Request<WasiBody>,
        _options: Option<RequestOptions>,
        _sent: Transmission,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        Box::new(std::future::ready(Err(Error::HttpRequestDenied)))
    }
}
