//! Engine, linker, instances.

use crate::capabilities;
use crate::component::state::State;
use crate::component::worker::{Expiration, Worker};
use crate::provider::Provider;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Limited};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use thiserror::Error;
use wasmtime::component::{Component, Linker};
use wasmtime::{Engine, Store};
use wasmtime_wasi_http::handler::{HandlerState, Instance, ProxyHandler, ProxyPre};
use wasmtime_wasi_http::p3::bindings::ServicePre;
use wasmtime_wasi_http::{WasiBody, WasiHttpView as _};

/// How often the epoch ends: a guest that computes without pause yields to others this often.
const EPOCH: Duration = Duration::from_millis(10);
/// How much longer than the deadline of a check a request may take before it is given up.
const GRACE: Duration = Duration::from_secs(1);

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
    /// Its answer broke off, or is too long.
    #[error("the component's answer broke off or is too long")]
    BrokenOff,
}

/// A component that is ready to answer requests.
#[derive(Clone)]
pub struct Runtime {
    handler: ProxyHandler<Instances>,
    open: Arc<Open>,
}

/// Says that the runtime is closed, at the latest when its last handle is dropped, so that instances
/// that end with the process are not taken for ones that trapped.
struct Open(Arc<AtomicBool>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct Instances {
    engine: Engine,
    pre: ProxyPre<State>,
    provider: Arc<Provider>,
    request_limit: Duration,
    closed: Arc<AtomicBool>,
}

impl Runtime {
    /// Loads the component that `build.rs` composed and precompiled.
    #[expect(
        unsafe_code,
        reason = "machine code is only as good as where it comes from"
    )]
    pub fn embedded(provider: Arc<Provider>) -> Result<Self, RuntimeError> {
        let engine = Engine::new(&cache_health_engine::config()).map_err(RuntimeError::Load)?;
        // SAFETY: the code was made by build.rs for this very program, and wasmtime refuses code
        // of another version or configuration.
        let component = unsafe { Component::deserialize(&engine, super::EMBEDDED) };
        let component = component.map_err(RuntimeError::Load)?;
        Self::new(engine, &component, provider).map_err(RuntimeError::Load)
    }

    /// Compiles somebody else's component.
    #[cfg(feature = "component")]
    pub fn foreign(component: &[u8], provider: Arc<Provider>) -> Result<Self, RuntimeError> {
        let engine = Engine::new(&cache_health_engine::config()).map_err(RuntimeError::Load)?;
        let component = super::foreign::compile(&engine, component).map_err(RuntimeError::Load)?;
        Self::new(engine, &component, provider).map_err(RuntimeError::Load)
    }

    fn new(
        engine: Engine,
        component: &Component,
        provider: Arc<Provider>,
    ) -> wasmtime::Result<Self> {
        let mut linker: Linker<State> = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        wasmtime_wasi::p3::add_to_linker(&mut linker)?;
        wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
        capabilities::add_to_linker(&mut linker)?;
        let pre = ProxyPre::P3(ServicePre::new(linker.instantiate_pre(component)?)?);
        count_epochs(&engine);
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
            open: Arc::new(Open(closed)),
        })
    }

    /// From now on, instances may end.
    pub fn close(&self) {
        self.open.0.store(true, Ordering::Relaxed);
    }

    /// `GET <path>` to the component.
    pub async fn get(&self, path: &str) -> Result<Answer, RuntimeError> {
        let body = Empty::<Bytes>::new().map_err(|never| match never {});
        let request = http::Request::get(path)
            .header(http::header::HOST, "localhost")
            .body(body.boxed_unsync())
            .map_err(|error| RuntimeError::NoAnswer(wasmtime::Error::new(error)))?;
        self.handle(request).await
    }

    /// Any request to the component. Its answer is collected, up to [`MAX_ANSWER`].
    pub async fn handle(&self, request: http::Request<WasiBody>) -> Result<Answer, RuntimeError> {
        let response = self.handler.handle((), request).await;
        let (parts, body) = response.map_err(RuntimeError::NoAnswer)?.into_parts();
        let body = Limited::new(body, MAX_ANSWER).collect().await;
        let body = body.map_err(|_| RuntimeError::BrokenOff)?.to_bytes();
        Ok(http::Response::from_parts(parts, body))
    }
}

impl HandlerState for Instances {
    type StoreData = State;
    type WorkerExpiration = Expiration;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<Instance<State, Expiration, Worker>> {
        let mut store = Store::new(&self.engine, State::new(Arc::clone(&self.provider)));
        store.limiter(|state| &mut state.limits);
        store.set_epoch_deadline(1);
        store.epoch_deadline_async_yield_and_update(1);
        let proxy = self.pre.instantiate_async(&mut store).await?;
        Ok(Instance {
            store,
            proxy,
            view: State::http,
            expiration: Expiration::after(self.request_limit + GRACE),
            state: Worker {
                request_limit: self.request_limit,
                closed: Arc::clone(&self.closed),
            },
        })
    }
}

/// Ends the engine's epochs for as long as the engine lives. On a thread of its own: a guest that
/// computes without pause could hold every thread that runs tasks.
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
