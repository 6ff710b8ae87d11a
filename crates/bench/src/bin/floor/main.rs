//! The floor: the native service with the smallest component between HTTP and Redis. What it takes more than the native one is
//! wasmtime's, whatever a component does.

mod bindings;

use anyhow::Result;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use bindings::cache_health::smallest::cache;
use bindings::{Smallest, SmallestPre};
use cache_health_bench::{Answer, answer, client, serve, variable};
use redis::aio::MultiplexedConnection;
use tokio::sync::{mpsc, oneshot};
use wasmtime::component::{Accessor, Component, HasSelf, Linker, ResourceTable};
use wasmtime::{Engine, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

/// The machine code of `smallest-guest`.
const COMPONENT: &str = "FLOOR_COMPONENT";
/// The most requests that wait.
const QUEUE: usize = 1024;
/// Nobody counts epochs here.
const NEVER: u64 = 1 << 40;

type Request = oneshot::Sender<bool>;

struct Host {
    redis: MultiplexedConnection,
    wasi: WasiCtx,
    table: ResourceTable,
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl cache::Host for Host {}

impl cache::HostWithStore<Host> for HasSelf<Host> {
    async fn set(accessor: &Accessor<Host, Self>) {
        let mut redis = accessor.with(|mut store| store.get().redis.clone());
        // A value that was not set is not got either.
        let _ = cache_health_bench::set(&mut redis).await;
    }

    async fn get(accessor: &Accessor<Host, Self>) -> bool {
        let mut redis = accessor.with(|mut store| store.get().redis.clone());
        cache_health_bench::get(&mut redis).await.unwrap_or(false)
    }
}

// One thread, as ours.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let (requests, queue) = mpsc::channel(QUEUE);
    let (store, component) = instance().await?;
    tokio::spawn(check_for_ever(store, component, queue));
    let app = Router::new()
        .route("/healthz", get(health))
        .with_state(requests);
    serve(app).await
}

async fn health(State(requests): State<mpsc::Sender<Request>>) -> Answer {
    let (request, answered) = oneshot::channel();
    let sent = requests.send(request).await.is_ok();
    answer(sent && answered.await.unwrap_or(false))
}

#[expect(
    unsafe_code,
    reason = "machine code is only as good as where it comes from"
)]
async fn instance() -> Result<(Store<Host>, Smallest)> {
    let engine = Engine::new(&cache_health_compose::engine::config())?;
    // SAFETY: `cargo xtask bench` has just made it.
    let component = unsafe { Component::deserialize_file(&engine, variable(COMPONENT)?) }?;
    let mut linker = Linker::new(&engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    cache::add_to_linker::<_, HasSelf<Host>>(&mut linker, |host| host)?;
    let redis = client()?.get_multiplexed_async_connection().await?;
    let host = Host {
        redis,
        wasi: WasiCtx::builder().build(),
        table: ResourceTable::new(),
    };
    let mut store = Store::new(&engine, host);
    store.set_epoch_deadline(NEVER);
    let pre = SmallestPre::new(linker.instantiate_pre(&component)?)?;
    let component = pre.instantiate_async(&mut store).await?;
    Ok((store, component))
}

/// One check after the other: the floor is that of one client.
async fn check_for_ever(
    mut store: Store<Host>,
    component: Smallest,
    mut queue: mpsc::Receiver<Request>,
) -> wasmtime::Result<()> {
    store
        .run_concurrent(async |accessor| {
            while let Some(request) = queue.recv().await {
                let good = component.call_check(accessor).await?;
                // Nobody waits any more: no matter.
                let _ = request.send(good);
            }
            Ok(())
        })
        .await?
}
