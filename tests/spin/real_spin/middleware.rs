//! `/livez`, `/readyz` and `/healthz` before an application that knows nothing of them.

use super::with_a_key;
use crate::fixtures::document;
use crate::fixtures::spin::{Launch, Spin};
use crate::fixtures::{Azure, artifacts, operator};
use cache_health_artifacts::Component;
use cache_health_report::Status;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

const EXAMPLE: &str = "examples/hello-app/spin.toml";
const APP: &str = "../../dist/hello-app.wasm";
const MIDDLEWARE: &str = "../../dist/cache-health-middleware-for-spin.wasm";
/// How long a part of an answer may take.
const ANSWER: Duration = Duration::from_secs(15);

fn before(app: Component, azure: &Azure) -> Spin {
    Launch::of(EXAMPLE, &with_a_key(azure))
        .built(APP, &artifacts().component(app))
        .built(MIDDLEWARE, &artifacts().middleware_for_spin())
        .up()
}

#[test]
#[ignore = "needs spin: cargo xtask test, with a spin on PATH"]
fn one_line_of_the_manifest_gives_an_application_the_probes_routes() {
    let azure = Azure::start();
    let spin = before(Component::HelloApp, &azure);
    assert_eq!(spin.get("/livez"), (200, "ok\n".into()));
    assert_eq!(spin.get("/readyz"), (200, "ok\n".into()));
    let (status, body) = spin.get("/healthz?fresh=1");
    assert_eq!((status, document::read(&body).status), (200, Status::Pass));
    for path in ["/", "/healthz/", "/metrics", "/history"] {
        assert_eq!(spin.get(path), (200, "Hello!\n".into()), "{path}");
    }
    azure
        .redis
        .command(&["CONFIG", "SET", "maxmemory", "1"])
        .expect("redis-cli");
    let (status, body) = spin.get("/healthz?fresh=1");
    assert_eq!((status, document::read(&body).status), (503, Status::Fail));
    assert_eq!(spin.get("/"), (200, "Hello!\n".into()));
}

/// A connection with a request on it that is not whole yet.
fn begun(spin: &Spin, authorization: &str) -> TcpStream {
    let mut stream = TcpStream::connect(&spin.address).expect("connected");
    stream.set_read_timeout(Some(ANSWER)).expect("set");
    let head = format!(
        "POST /any?q=1 HTTP/1.1\r\nhost: {}\r\nauthorization: {authorization}\r\n\
         transfer-encoding: chunked\r\nconnection: close\r\n\r\n5\r\nfirst\r\n",
        spin.address
    );
    stream.write_all(head.as_bytes()).expect("sent");
    stream
}

/// What came until this text did.
fn until(stream: &mut TcpStream, text: &str) -> String {
    let mut seen = Vec::new();
    let mut part = [0; 4096];
    while !String::from_utf8_lossy(&seen).contains(text) {
        let read = stream.read(&mut part).expect("an answer in time");
        assert_ne!(read, 0, "{text} in {}", String::from_utf8_lossy(&seen));
        seen.extend_from_slice(&part[..read]);
    }
    String::from_utf8_lossy(&seen).into_owned()
}

#[test]
#[ignore = "needs spin: cargo xtask test, with a spin on PATH"]
fn a_request_is_handed_on_as_it_streams_and_without_the_operators_token() {
    let azure = Azure::start();
    let spin = before(Component::Echo, &azure);
    for (authorization, seen) in [
        (operator::authorization().as_str(), ""),
        ("Bearer somebody-elses", "Bearer somebody-elses"),
    ] {
        let mut stream = begun(&spin, authorization);
        // The first part is back before the second is sent.
        let head = until(&mut stream, "first");
        let line = format!("x-seen: Method::Post /any?q=1 {seen}\r\n");
        assert!(head.contains(&line), "{line} in {head}");
        stream.write_all(b"6\r\nsecond\r\n0\r\n\r\n").expect("sent");
        until(&mut stream, "second");
    }
}
