//! Stores of variables that answer with an error for what they do not hold, as Azure Key Vault does. Spin's own client of
//! Key Vault cannot be built here; its client of HashiCorp Vault, with a store that refuses what it does not hold, gives
//! Spin the same error.

use super::with_a_key;
use crate::fixtures::Azure;
use crate::fixtures::spin::Launch;
use crate::fixtures::spin_host::Application;
use cache_health_report::{Kind, Status};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

/// A store with one secret.
struct Store {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Store {
    fn with(name: &str, value: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let (seen, held) = (Arc::clone(&asked), format!("/v1/secret/data/{name}"));
        let found = format!(
            r#"{{"request_id":"","lease_id":"","renewable":false,"lease_duration":0,"data":{{"data":{{"value":"{value}"}},"metadata":{{"created_time":"2026-01-01T00:00:00Z","deletion_time":"","custom_metadata":null,"destroyed":false,"version":1}}}}}}"#
        );
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = BufReader::new(stream.expect("a connection"));
                let lines = stream.by_ref().lines().map_while(Result::ok);
                let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
                let target = head.first().and_then(|line| line.split(' ').nth(1));
                let path = target.unwrap_or_default().trim_end_matches('?').to_owned();
                let (status, body) = if path == held {
                    ("200 OK", found.as_str())
                } else {
                    ("403 Forbidden", r#"{"errors":["permission denied"]}"#)
                };
                seen.lock().expect("whole").push(path);
                let length = body.len();
                let answer = format!(
                    "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
                );
                // Whoever asked may have gone away.
                drop(stream.get_mut().write_all(answer.as_bytes()));
            }
        });
        Self { port, asked }
    }

    fn runtime_config(&self) -> String {
        let port = self.port;
        format!(
            "[[variables_provider]]\ntype = \"vault\"\nurl = \"http://127.0.0.1:{port}\"\ntoken = \"t\"\nmount = \"secret\"\n"
        )
    }
}

#[test]
#[ignore = "needs spin: cargo xtask test, with a spin on PATH"]
fn a_store_that_errors_for_what_it_does_not_hold_is_named_with_its_cure() {
    let azure = Azure::start();
    let application = with_a_key(&azure);
    let store = Store::with("rediskey", &azure.access_key);
    let spin = Launch::spin_app(&application).runtime_config(store.runtime_config());
    let (status, document) = spin.up().fresh();
    assert_eq!(status, 503);
    let failure = document.failure.expect("one");
    assert_eq!(failure.kind, Kind::Config);
    assert!(
        failure.remedy.contains("{{ rediskey }}"),
        "{}",
        failure.remedy
    );
}

#[test]
#[ignore = "needs spin: cargo xtask test, with a spin on PATH"]
fn the_manifest_for_a_key_vault_asks_it_only_for_what_it_holds() {
    let azure = Azure::start();
    let application = Application {
        variables: [].into(),
        ..with_a_key(&azure)
    };
    let store = Store::with("rediskey", &azure.access_key);
    let port = format!("\"{}\"", azure.redis.port());
    let spin = Launch::of("deploy/spin/key-vault.toml", &application)
        .built(
            "../../dist/cache-health-spin-app.wasm",
            &crate::fixtures::artifacts().spin_app(),
        )
        .changed(
            "REDIS_NAME.redis.cache.windows.net:6380",
            &format!("localhost:{}", azure.redis.port()),
        )
        .changed("REDIS_NAME.redis.cache.windows.net", "localhost")
        .changed("\"6380\"", &port)
        .runtime_config(store.runtime_config())
        .up();
    // Nobody is the operator, so it is the public view.
    let (status, document) = spin.fresh();
    assert_eq!(
        (status, document.status),
        (200, Status::Pass),
        "{document:#?}"
    );
    let asked = store.asked.lock().expect("whole");
    assert!(!asked.is_empty());
    assert!(
        asked.iter().all(|path| path == "/v1/secret/data/rediskey"),
        "{asked:?}"
    );
}
