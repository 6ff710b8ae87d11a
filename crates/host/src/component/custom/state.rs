//! The data of a store of somebody else's component: that of ours, and HTTP to answer.

use crate::capabilities::{CapabilitiesHost, CapabilitiesView};
use crate::component::custom::output::{Output, Written};
use crate::component::limits::GuestLimits;
use crate::component::state::State;
use crate::provider::Provider;
use cache_health_provider::rate::Caller;
use parking_lot::Mutex;
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{
    Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
};

/// The most bytes that the headers of one message have, as the host holds them. A guest may hold as many of them as it has
/// handles.
const MAX_FIELDS: usize = 16 * 1024;

/// The data of a store.
pub struct CustomState {
    /// What every instance has.
    pub base: State,
    /// Its place among the instances.
    _place: OwnedSemaphorePermit,
    http: WasiHttpCtx,
    hooks: NoOutgoingHttp,
}

impl CustomState {
    /// The data of a new instance.
    pub fn new(
        provider: Arc<Provider>,
        guests: &Arc<GuestLimits>,
        place: OwnedSemaphorePermit,
        written: &Arc<Mutex<Written>>,
    ) -> Self {
        let output = |stream| Output {
            stream,
            written: Arc::clone(written),
        };
        let mut wasi = WasiCtx::builder();
        wasi.stdout(output("stdout")).stderr(output("stderr"));
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(MAX_FIELDS);
        Self {
            base: State::with(&mut wasi, provider, Caller::Request, guests),
            _place: place,
            http,
            hooks: NoOutgoingHttp,
        }
    }
}

impl WasiView for CustomState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.base.ctx()
    }
}

impl WasiHttpView for CustomState {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            ctx: &mut self.http,
            table: &mut self.base.table,
            hooks: &mut self.hooks,
        }
    }
}

impl CapabilitiesHost for CustomState {
    fn capabilities(&mut self) -> CapabilitiesView<'_> {
        self.base.capabilities()
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
