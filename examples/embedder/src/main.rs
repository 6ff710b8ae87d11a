//! A host of one's own that supplies the capabilities: it loads a component that exports
//! `cache-health:probe/health`, and asks it for one verdict.
//!
//! ```sh
//! REDIS_HOST=shop.redis.cache.windows.net REDIS_ACCESS_KEY_FILE=/run/key \
//!     cargo run -p embedder -- dist/cache-health.wasm
//! ```

use anyhow::{Context as _, Result};
use cache_health_host::bindings::Standalone;
use cache_health_host::bindings::exports::cache_health::probe::health::{CheckOptions, Report};
use cache_health_host::{Capabilities, CapabilitiesHost, CapabilitiesView, Provider};
use std::collections::HashMap;
use std::sync::Arc;
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Config, Engine, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

/// The data of a store: no files, no environment, no network. All that the component has is the capabilities.
struct State {
    wasi: WasiCtx,
    table: ResourceTable,
    capabilities: Capabilities,
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

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let component = std::env::args().nth(1).context("which component?")?;
    let variables: HashMap<String, String> = std::env::vars().collect();
    let provider = Provider::from_variables(&variables).await?;
    let report = check(&component, provider).await?;
    println!("{:?}: {}", report.status, report.output);
    if let Some(failure) = report.failure {
        println!("What to do: {}", failure.remedy);
    }
    Ok(())
}

async fn check(component: &str, provider: Arc<Provider>) -> Result<Report> {
    let engine = Engine::new(Config::new().wasm_component_model_async(true))?;
    let component = Component::from_file(&engine, component)?;

    let mut linker = Linker::<State>::new(&engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi::p3::add_to_linker(&mut linker)?;
    cache_health_host::add_to_linker(&mut linker)?;

    let state = State {
        wasi: WasiCtx::builder().build(),
        table: ResourceTable::new(),
        capabilities: Capabilities::of(provider),
    };
    let mut store = Store::new(&engine, state);
    let component = Standalone::instantiate_async(&mut store, &component, &linker).await?;
    let health = component.cache_health_probe_health();
    let options = CheckOptions {
        fresh: true,
        new_connection: false,
    };
    let report = store
        .run_concurrent(async |accessor| health.call_check(accessor, options).await)
        .await??;
    Ok(report)
}
