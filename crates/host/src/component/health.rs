//! The health component: `health.check`, called directly.
//!
//! A warm instance, in a task of its own, makes all checks of its callers. When it traps or hangs, whoever waits
//! is told, and it is replaced.

use crate::capabilities::bindings;
use crate::component::engine::{GRACE, engine, linker, yield_with_each_epoch};
use crate::component::limits::GuestLimits;
use crate::component::report::report_from_wit;
use crate::component::state::{self, State};
use crate::epochs::{self, Polled};
use crate::provider::Provider;
use bindings::StandalonePre;
use bindings::exports::cache_health::probe::health::{CheckOptions, Guest};
use cache_health_provider::rate::Caller;
use cache_health_report::Report;
use futures::FutureExt as _;
use futures::stream::{FuturesUnordered, StreamExt as _};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use thiserror::Error;
use tokio::sync::{Notify, mpsc, oneshot};
use tracing::error;
use wasmtime::component::{Accessor, Component};
use wasmtime::{Engine, Store};

/// The component, precompiled by `build.rs`.
static EMBEDDED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/cache-health.cwasm"));
/// The pause before an instance is replaced: one that cannot even start must not keep the process
/// from everything else.
const PAUSE: Duration = Duration::from_millis(100);
/// The most checks that wait to be begun. Requests share checks, so there are two at once at most.
const QUEUE: usize = 8;

/// The component as it was loaded first: whoever checks several caches has one engine, with one thread for its epochs.
static LOADED: OnceLock<(Engine, StandalonePre<State>)> = OnceLock::new();

/// Why there is no report.
#[derive(Debug, Error)]
pub enum HealthError {
    /// The component cannot be loaded or linked.
    #[error("the component cannot be loaded: {0}")]
    Load(wasmtime::Error),
    /// It trapped.
    #[error("the component trapped")]
    Trapped,
    /// It did not answer.
    #[error("the component gave no answer")]
    Hung,
}

/// What a caller wants, and where it waits.
struct Request {
    options: CheckOptions,
    answer: oneshot::Sender<Report>,
}

/// The component that is embedded, ready to be instantiated.
pub struct Embedded(Arc<Instances>);

impl Embedded {
    /// Loads and links it.
    pub fn load(provider: Arc<Provider>) -> Result<Self, HealthError> {
        let instances = Instances::new(provider).map_err(HealthError::Load)?;
        Ok(Self(Arc::new(instances)))
    }

    /// An instance that checks for these callers. The sampler has one of its own: what callers do to
    /// theirs is no concern of the sampler's, and the host can tell whose the calls are.
    pub fn health(&self, caller: Caller) -> Health {
        let (requests, queue) = mpsc::channel(QUEUE);
        let hung = Arc::new(Notify::new());
        let instances = Arc::clone(&self.0);
        let limit = instances.provider.config.timeout + GRACE;
        let notified = Arc::clone(&hung);
        tokio::spawn(async move { instances.check_for_ever(caller, queue, notified).await });
        Health {
            requests,
            hung,
            limit,
        }
    }
}

/// An instance of the component that checks.
#[derive(Clone)]
pub struct Health {
    requests: mpsc::Sender<Request>,
    hung: Arc<Notify>,
    limit: Duration,
}

impl Health {
    /// Checks now. `new_connection`: proves one beside the kept one.
    pub async fn check(&self, new_connection: bool) -> Result<Report, HealthError> {
        let (answer, answered) = oneshot::channel();
        let options = CheckOptions {
            fresh: true,
            new_connection,
        };
        let asked = self.requests.send(Request { options, answer }).await;
        asked.map_err(|_| HealthError::Trapped)?;
        match tokio::time::timeout(self.limit, answered).await {
            Ok(report) => report.map_err(|_| HealthError::Trapped),
            Err(_) => {
                self.hung.notify_one();
                Err(HealthError::Hung)
            }
        }
    }
}

/// Makes instances.
struct Instances {
    engine: Engine,
    pre: StandalonePre<State>,
    provider: Arc<Provider>,
}

impl Instances {
    #[expect(
        unsafe_code,
        reason = "machine code is only as good as where it comes from"
    )]
    fn new(provider: Arc<Provider>) -> wasmtime::Result<Self> {
        if let Some((engine, pre)) = LOADED.get() {
            return Ok(Self {
                engine: engine.clone(),
                pre: pre.clone(),
                provider,
            });
        }
        let engine = engine(Polled::Within)?;
        // SAFETY: the code was made by build.rs for this very program, and wasmtime refuses code
        // of another version or configuration.
        let component = unsafe { Component::deserialize(&engine, EMBEDDED) }?;
        let pre = StandalonePre::new(linker(&engine)?.instantiate_pre(&component)?)?;
        let (engine, pre) = LOADED.get_or_init(|| (engine, pre)).clone();
        Ok(Self {
            engine,
            pre,
            provider,
        })
    }

    /// One instance after the other, each for as long as it works.
    async fn check_for_ever(
        &self,
        caller: Caller,
        mut queue: mpsc::Receiver<Request>,
        hung: Arc<Notify>,
    ) {
        loop {
            // What was said of the instance before is not about this one.
            let _ = hung.notified().now_or_never();
            let ended = tokio::select! {
                ended = epochs::while_polled(self.check_with_one(caller, &mut queue)) => ended,
                () = hung.notified() => Err(wasmtime::Error::msg("it hangs")),
            };
            match ended {
                Ok(()) => break,
                Err(trap) => error!(%trap, "the component trapped; its instance is replaced"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Checks until nobody is left to ask.
    async fn check_with_one(
        &self,
        caller: Caller,
        queue: &mut mpsc::Receiver<Request>,
    ) -> wasmtime::Result<()> {
        let state = State::new(Arc::clone(&self.provider), caller, &GuestLimits::own());
        let mut store = Store::new(&self.engine, state);
        state::limit(&mut store, |state: &mut State| &mut state.limits);
        yield_with_each_epoch(&mut store);
        let component = self.pre.instantiate_async(&mut store).await?;
        let health = component.cache_health_probe_health();
        store
            .run_concurrent(async |accessor| {
                // wasmtime polls this whenever anything happens in the store: it is polled on only when it was woken.
                let mut all = FuturesUnordered::from_iter([check_all(accessor, health, queue)]);
                all.next().await.unwrap_or(Ok(()))
            })
            .await?
    }
}

/// Makes the checks that are asked for, until nobody is left to ask.
async fn check_all(
    accessor: &Accessor<State>,
    health: &Guest,
    queue: &mut mpsc::Receiver<Request>,
) -> wasmtime::Result<()> {
    let mut checks = FuturesUnordered::new();
    loop {
        tokio::select! {
            request = queue.recv() => match request {
                Some(request) => checks.push(check(accessor, health, request)),
                None => return Ok(()),
            },
            Some(checked) = checks.next() => checked?,
        }
    }
}

async fn check(
    accessor: &Accessor<State>,
    health: &Guest,
    request: Request,
) -> wasmtime::Result<()> {
    let report = health.call_check(accessor, request.options).await?;
    // Nobody waits any more: no matter.
    let _ = request.answer.send(report_from_wit(report));
    Ok(())
}
