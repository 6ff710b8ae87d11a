//! Linker and instances of a component that answers HTTP.

use crate::component::engine::{GRACE, engine, linker, yield_with_each_epoch};
use crate::component::foreign::state::ForeignState;
use crate::component::foreign::worker::{Expiration, Worker};
use crate::provider::Provider;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use thiserror::Error;
use wasmtime::component::Component;
use wasmtime::{Engine, Store};
use wasmtime_wasi_http::handler::{HandlerState, Instance, ProxyHandler, ProxyPre};
use wasmtime_wasi_http::p3::bindings::ServicePre;
use wasmtime_wasi_http::{WasiBody, WasiHttpView as _};

/// The longest answer of a component, in bytes. A report has two kilobytes.
const MAX_ANSWER: usize = 1024 * 1024;

/// What a component answered.
pub type Answer = http::Response<Bytes>;

/// Why a component gave no answer.
#[derive(Debug, Error)]
pub enum RuntimeError {
    /// It cannot be loaded or linked.
    #[error("the component cannot be loaded: {0}")]
    Load(wasmtime::Error),
    /// It trapped, took too long, or answered with an error.
    #[error("the component gave no answer: {0}")]
    NoAnswer(wasmtime::Error),
    /// It was not there, with its body, in time.
    #[error("the component's answer took too long")]
    TooSlow,
    /// Its answer broke off, or is too long.
    #[error("the component's answer broke off or is too long")]
    BrokenOff,
}

/// A component that is ready to answer requests.
pub struct Runtime {
    handler: ProxyHandler<Instances>,
    request_limit: Duration,
    closed: Arc<AtomicBool>,
}

struct Instances {
    engine: Engine,
    pre: ProxyPre<ForeignState>,
    provider: Arc<Provider>,
    request_limit: Duration,
    closed: Arc<AtomicBool>,
}

impl Runtime {
    /// Compiles somebody else's component.
    pub fn foreign(component: &[u8], provider: Arc<Provider>) -> Result<Self, RuntimeError> {
        let engine = engine().map_err(RuntimeError::Load)?;
        let component = super::compile::compile(&engine, component).map_err(RuntimeError::Load)?;
        Self::new(engine, &component, provider).map_err(RuntimeError::Load)
    }

    fn new(
        engine: Engine,
        component: &Component,
        provider: Arc<Provider>,
    ) -> wasmtime::Result<Self> {
        let mut linker = linker(&engine)?;
        wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
        let pre = ProxyPre::P3(ServicePre::new(linker.instantiate_pre(component)?)?);
        let request_limit = provider.config.timeout + GRACE;
        let closed = Arc::new(AtomicBool::new(false));
        let instances = Instances {
            engine,
            pre,
            provider,
            request_limit,
            closed: Arc::clone(&closed),
        };
        Ok(Self {
            handler: ProxyHandler::new(instances),
            request_limit,
            closed,
        })
    }

    /// From now on, instances may end: with the process, and not because they trapped.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    /// Any request to the component. Its answer is collected, up to [`MAX_ANSWER`].
    pub async fn handle(&self, request: http::Request<WasiBody>) -> Result<Answer, RuntimeError> {
        // The limit of the instance ends with the headers, and is pushed out by other requests.
        let answer = tokio::time::timeout(self.request_limit, self.answer(request)).await;
        answer.unwrap_or(Err(RuntimeError::TooSlow))
    }

    async fn answer(&self, request: http::Request<WasiBody>) -> Result<Answer, RuntimeError> {
        let response = self.handler.handle((), request).await;
        let (parts, body) = response.map_err(RuntimeError::NoAnswer)?.into_parts();
        let body = Limited::new(body, MAX_ANSWER).collect().await;
        let body = body.map_err(|_| RuntimeError::BrokenOff)?.to_bytes();
        Ok(http::Response::from_parts(parts, body))
    }
}

impl HandlerState for Instances {
    type StoreData = ForeignState;
    type WorkerExpiration = Expiration;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<Instance<ForeignState, Expiration, Worker>> {
        let mut store = Store::new(&self.engine, ForeignState::new(Arc::clone(&self.provider)));
        store.limiter(|state| &mut state.base.limits);
        yield_with_each_epoch(&mut store);
        let proxy = self.pre.instantiate_async(&mut store).await?;
        Ok(Instance {
            store,
            proxy,
            view: ForeignState::http,
            expiration: Expiration::after(self.request_limit + GRACE),
            state: Worker {
                request_limit: self.request_limit,
                closed: Arc::clone(&self.closed),
            },
        })
    }
}
