//! The data of a store, with what Spin gives an instance.

use super::Application;
use redis::aio::MultiplexedConnection;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{
    Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
};

pub struct State {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    hooks: PlainHttp,
    pub table: ResourceTable,
    pub application: Application,
}

impl State {
    pub fn new(application: Application) -> Self {
        Self {
            wasi: WasiCtx::builder().build(),
            http: WasiHttpCtx::new(),
            hooks: PlainHttp,
            table: ResourceTable::new(),
            application,
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

/// A connection as a guest holds it; counted while it is open.
pub struct SpinConnection {
    pub redis: MultiplexedConnection,
    open: Arc<AtomicUsize>,
}

impl SpinConnection {
    pub fn new(redis: MultiplexedConnection, open: &Arc<AtomicUsize>) -> Self {
        open.fetch_add(1, Ordering::SeqCst);
        Self {
            redis,
            open: Arc::clone(open),
        }
    }
}

impl Drop for SpinConnection {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Outgoing HTTP without TLS, as the identity endpoint speaks it.
struct PlainHttp;

type Transmission = Box<dyn Future<Output = Result<(), Error>> + Send>;
type Sent = Result<(http::Response<WasiBody>, Transmission), Error>;

impl WasiHttpHooks for PlainHttp {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        _options: Option<RequestOptions>,
        _sent: Transmission,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        Box::new(send(request))
    }
}

async fn send(request: http::Request<WasiBody>) -> Sent {
    use http_body_util::BodyExt as _;
    use hyper_util::rt::TokioIo;
    let authority = request.uri().authority().expect("an authority").to_string();
    let stream = tokio::net::TcpStream::connect(authority)
        .await
        .map_err(Error::Connect)?;
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(Error::Hyper)?;
    tokio::spawn(connection);
    let (mut parts, body) = request.into_parts();
    let path = parts
        .uri
        .path_and_query()
        .map_or("/", |path| path.as_str())
        .to_owned();
    parts.uri = path.parse().expect("a path");
    let response = sender
        .send_request(http::Request::from_parts(parts, body))
        .await;
    let response = response.map_err(Error::Hyper)?;
    let response = response.map(|body| body.map_err(Error::Hyper).boxed_unsync());
    Ok((response, Box::new(async { Ok(()) })))
}
