//! Linker and instances of a component that answers HTTP.

use crate::component::custom::compile::{Unfit, compile};
use crate::component::custom::output::Written;
use crate::component::custom::state::CustomState;
use crate::component::custom::worker::{Expiration, Taken, Worker};
use crate::component::engine::{GRACE, engine, linker, yield_with_each_epoch};
use crate::component::limits::GuestLimits;
use crate::component::state;
use crate::epochs::Polled;
use crate::provider::Provider;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use thiserror::Error;
use tokio::sync::Semaphore;
use wasmtime::component::Component;
use wasmtime::{Engine, Store};
use wasmtime_wasi_http::handler::{
    HandlerState, Instance, InstantiationError, ProxyHandler, ProxyPre,
};
use wasmtime_wasi_http::p3::bindings::ServicePre;
use wasmtime_wasi_http::{WasiBody, WasiHttpView as _};

/// The most instances at once. A request that finds none that takes it waits for one.
pub const MAX_INSTANCES: usize = 8;
/// How often a request that waits looks whether there is an instance for it.
const LOOK: Duration = Duration::from_millis(10);
/// The longest answer of a component, in bytes. A report has two kilobytes.
const MAX_ANSWER: usize = 1024 * 1024;

/// What a component answered.
pub type Answer = http::Response<Bytes>;

/// Why a component gave no answer.
#[derive(Debug, Error)]
pub enum RuntimeError {
    /// It cannot be run here.
    #[error("the component cannot be loaded: {0}")]
    Unfit(Unfit),
    /// Nothing can be run here.
    #[error("wasmtime cannot be started: {0:#}")]
    Engine(wasmtime::Error),
    /// It trapped, took too long, or answered with an error.
    #[error("the component gave no answer: {0:#}")]
    NoAnswer(wasmtime::Error),
    /// It was not there, with its body, in time.
    #[error("the component's answer took too long")]
    TooSlow,
    /// No instance took the request in time: all are busy, or there is no memory for one more.
    #[error("no instance of the component is free")]
    Busy,
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
    pre: ProxyPre<CustomState>,
    provider: Arc<Provider>,
    guests: Arc<GuestLimits>,
    written: Arc<Mutex<Written>>,
    places: Arc<Semaphore>,
    request_limit: Duration,
    closed: Arc<AtomicBool>,
}

impl Runtime {
    /// Compiles somebody else's component.
    pub fn custom(component: &[u8], provider: Arc<Provider>) -> Result<Self, RuntimeError> {
        let engine = engine(Polled::Anywhere).map_err(RuntimeError::Engine)?;
        let component = compile(&engine, component).map_err(RuntimeError::Unfit)?;
        let started = Self::new(engine, &component, provider);
        started.map_err(|error| RuntimeError::Unfit(Unfit::Link(error)))
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
            guests: GuestLimits::shared(),
            written: Written::shared(),
            places: Arc::new(Semaphore::new(MAX_INSTANCES)),
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
        let until = Instant::now() + self.request_limit;
        let response = self.taken(request, until).await?;
        // The limit of the instance ends with the headers, and is pushed out by other requests.
        let answer = tokio::time::timeout_at(until.into(), collected(response)).await;
        answer.unwrap_or(Err(RuntimeError::TooSlow))
    }

    /// The response of the instance that takes the request. The handler starts another instance when all are
    /// busy, and gives the request back when it may not; then this asks again until the time is up.
    async fn taken(
        &self,
        mut request: http::Request<WasiBody>,
        until: Instant,
    ) -> Result<http::Response<WasiBody>, RuntimeError> {
        loop {
            let taken = Taken::default();
            let handled = self.handler.handle(taken.clone(), request);
            let handled = tokio::time::timeout_at(until.into(), handled).await;
            let error = match handled {
                Ok(Ok(response)) => return Ok(response),
                Ok(Err(error)) => error,
                Err(_) if taken.is() => return Err(RuntimeError::TooSlow),
                // It waited in the queue of instances that are busy.
                Err(_) => return Err(RuntimeError::Busy),
            };
            let refused = error
                .downcast::<InstantiationError<Taken>>()
                .map_err(RuntimeError::NoAnswer)?;
            if Instant::now() + LOOK >= until {
                return Err(RuntimeError::Busy);
            }
            let given_back = refused.request.into_inner();
            request = given_back.unwrap_or_else(PoisonError::into_inner);
            tokio::time::sleep(LOOK).await;
        }
    }
}

async fn collected(response: http::Response<WasiBody>) -> Result<Answer, RuntimeError> {
    let (parts, body) = response.into_parts();
    let body = Limited::new(body, MAX_ANSWER).collect().await;
    let body = body.map_err(|_| RuntimeError::BrokenOff)?.to_bytes();
    Ok(http::Response::from_parts(parts, body))
}

impl HandlerState for Instances {
    type StoreData = CustomState;
    type WorkerExpiration = Expiration;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<Instance<CustomState, Expiration, Worker>> {
        let place = Arc::clone(&self.places)
            .try_acquire_owned()
            .map_err(|_| wasmtime::Error::msg("all instances are busy"))?;
        let state = CustomState::new(
            Arc::clone(&self.provider),
            &self.guests,
            place,
            &self.written,
        );
        let mut store = Store::new(&self.engine, state);
        state::limit(&mut store, |state: &mut CustomState| &mut state.base.limits);
        yield_with_each_epoch(&mut store);
        let proxy = self.pre.instantiate_async(&mut store).await?;
        Ok(Instance {
            store,
            proxy,
            view: CustomState::http,
            expiration: Expiration::after(self.request_limit + GRACE),
            state: Worker {
                request_limit: self.request_limit,
                closed: Arc::clone(&self.closed),
            },
        })
    }
}
