//! A host that implements Spin's interfaces over real parts: `spin:redis` on redis-rs over TLS,
//! `spin:variables` on a map, outgoing HTTP on a socket. Faithful where it matters: the guest
//! supplies the whole address, there is no time-out anywhere, errors are redis-rs' own texts.
//! Different where it must be: Spin speaks TLS through OpenSSL with the system's roots, this host
//! through rustls with the test's own CA (no OpenSSL in our tree).

#![allow(dead_code, reason = "each test file uses its part")]

mod bindings;
mod redis_host;
mod state;

use bytes::Bytes;
use cache_health_guests::Guests;
use cache_health_report::Document;
use http_body_util::{BodyExt as _, Full};
use state::State;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime::{Engine, Store};
use wasmtime_wasi_http::p3::bindings::{Service, ServicePre};

/// What an application is configured with.
#[derive(Clone)]
pub struct Application {
    /// Spin variables, in lower case.
    pub variables: HashMap<String, String>,
    /// A variable whose store is down.
    pub unreadable: Option<&'static str>,
    /// The CA that stands for the system's roots.
    pub ca_file: PathBuf,
    /// Connections that are open.
    pub connections: Arc<AtomicUsize>,
}

/// One instance of the application, as Spin would keep it for many requests.
pub struct Instance {
    store: Store<State>,
    service: Service,
}

impl Instance {
    pub async fn new(application: Application) -> Self {
        let engine = Engine::new(&cache_health_engine::config()).expect("an engine");
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let code = Guests::built(&workspace).spin_app_code();
        let code = std::fs::read(code).expect("the build script compiled it");
        #[expect(unsafe_code, reason = "the build script compiled it")]
        // SAFETY: the file was written by this package's build script.
        let component = unsafe { Component::deserialize(&engine, code) }.expect("of this version");
        let mut linker: Linker<State> = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker).expect("linked");
        wasmtime_wasi::p3::add_to_linker(&mut linker).expect("linked");
        wasmtime_wasi_http::p3::add_to_linker(&mut linker).expect("linked");
        bindings::spin::redis::redis::add_to_linker::<_, HasSelf<State>>(&mut linker, |s| s)
            .expect("linked");
        bindings::spin::variables::variables::add_to_linker::<_, HasSelf<State>>(
            &mut linker,
            |s| s,
        )
        .expect("linked");
        let pre = linker
            .instantiate_pre(&component)
            .expect("everything is there");
        let pre = ServicePre::new(pre).expect("a wasi:http service");
        let mut store = Store::new(&engine, State::new(application));
        store.set_epoch_deadline(u64::MAX / 2);
        let service = pre
            .instantiate_async(&mut store)
            .await
            .expect("instantiated");
        Self { store, service }
    }

    /// `GET <path>`: the status and the body.
    pub async fn get(&mut self, path: &str) -> (u16, Bytes) {
        let mut all = self.get_at_once(path, 1).await;
        all.remove(0)
    }

    /// The same, this many times at once in this one instance.
    pub async fn get_at_once(&mut self, path: &str, count: usize) -> Vec<(u16, Bytes)> {
        let request = || {
            let request = http::Request::get(path).header("host", "localhost");
            request.body(Bytes::new())
        };
        let requests = (0..count).map(|_| request().expect("a request"));
        let answers = self.send(requests.collect()).await;
        let parts = answers.into_iter().map(http::Response::into_parts);
        parts
            .map(|(parts, body)| (parts.status.as_u16(), body))
            .collect()
    }

    /// Sends these at once to this one instance.
    pub async fn send(
        &mut self,
        requests: Vec<http::Request<Bytes>>,
    ) -> Vec<http::Response<Bytes>> {
        let service = &self.service;
        self.store
            .run_concurrent(async |accessor| {
                let answers = requests.into_iter().map(|request| async {
                    let request = request.map(|body| {
                        Full::new(body)
                            .map_err(|never| -> wasmtime_wasi_http::Error { match never {} })
                            .boxed_unsync()
                    });
                    let request = accessor.with(|mut store| {
                        use wasmtime_wasi_http::WasiHttpView as _;
                        let hooks = store.data_mut().http().hooks;
                        // No route reads a body, so nobody waits for one to be transmitted.
                        wasmtime_wasi_http::p3::Request::from_http(hooks, request).0
                    });
                    let response = service.handle(accessor, request).await;
                    let response = response.expect("no trap").expect("an answer");
                    let response = accessor.with(|mut store| {
                        response
                            .into_http(&mut store, async { Ok(()) })
                            .expect("an answer")
                    });
                    let (parts, body) = response.into_parts();
                    let body = body.collect().await.expect("a body").to_bytes();
                    http::Response::from_parts(parts, body)
                });
                futures::future::join_all(answers).await
            })
            .await
            .expect("no trap")
    }

    /// A fresh verdict, with what HTTP says.
    pub async fn fresh(&mut self) -> (u16, Document) {
        let (status, body) = self.get("/healthz?fresh=1").await;
        let text = String::from_utf8_lossy(&body);
        (status, crate::support::document::read(&text))
    }
}
