//! The limits of `cache-health serve`: whoever reaches the port may be hostile.

use crate::fixtures::Azure;
use crate::fixtures::server::{PATIENCE, Server};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const MEGABYTE: u64 = 1024 * 1024;

fn raw(server: &Server, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(&server.address).expect("connected");
    stream.set_read_timeout(Some(PATIENCE)).expect("set");
    stream.write_all(request).expect("written");
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer
}

#[test]
fn headers_that_are_too_many_or_too_long_are_431() {
    let azure = Azure::start();
    let server = azure.serve();
    let many: String = (0..100).map(|n| format!("x-{n}: y\r\n")).collect();
    let long = format!("x: {}\r\n", "y".repeat(16 * 1024));
    for headers in [many, long] {
        let answer = raw(
            &server,
            format!("GET /livez HTTP/1.1\r\n{headers}\r\n").as_bytes(),
        );
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }
    assert_eq!(server.get("/livez").status, 200);
}

#[test]
fn a_body_is_refused_unread() {
    let azure = Azure::start();
    let server = azure.serve();
    for framing in ["content-length: 1000000000", "transfer-encoding: chunked"] {
        let request = format!("GET /healthz HTTP/1.1\r\nhost: x\r\n{framing}\r\n\r\n");
        let answer = raw(&server, request.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    }
}

#[test]
fn a_slow_loris_is_cut_off_and_keeps_nobody_out() {
    let azure = Azure::start();
    let server = azure.serve();
    let started = Instant::now();
    let mut slow = TcpStream::connect(&server.address).expect("connected");
    slow.set_read_timeout(Some(Duration::from_millis(500)))
        .expect("set");
    slow.write_all(b"GET /livez HTTP/1.1\r\nx: ")
        .expect("written");
    let mut buffer = [0; 64];
    loop {
        let ended = match slow.read(&mut buffer) {
            Ok(count) => count == 0,
            Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
        };
        if ended || slow.write_all(b"y").is_err() {
            break;
        }
        assert!(started.elapsed() < PATIENCE, "never cut off");
        assert_eq!(server.get("/livez").status, 200);
    }
}

#[test]
fn an_idle_connection_is_closed() {
    let azure = Azure::start();
    let server = azure.serve();
    let started = Instant::now();
    // Reads until the server closes.
    let answer = raw(&server, b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(started.elapsed() < PATIENCE, "never closed");
}

#[test]
fn ten_thousand_connections_are_limited_and_livez_answers() {
    let azure = Azure::start();
    let server = azure.serve();
    let mut held = Vec::new();
    for count in 0..10_000 {
        // Held open up to what this process may hold itself; the rest are closed again at once.
        if let Ok(stream) = TcpStream::connect(&server.address)
            && held.len() < 700
        {
            held.push(stream);
        }
        if count % 1000 == 0 {
            assert_eq!(server.get("/livez").status, 200, "after {count}");
        }
    }
    assert_eq!(server.get("/livez").status, 200);
    assert_eq!(server.get("/healthz?fresh=1").status, 200);
    let resident = server.resident();
    assert!(resident < 64 * MEGABYTE, "{resident}");
    assert!(server.descriptors() < 600);
}

#[test]
fn too_many_requests_in_flight_are_503_and_livez_answers() {
    let azure = Azure::start();
    let server = azure
        .check_entra()
        .env("CACHE_HEALTH_INTERVAL", "9m")
        .env("CACHE_HEALTH_TIMEOUT", "10s")
        .env("RUST_LOG", "debug")
        .serve();
    server.wait_for_status("/readyz", 200);
    azure.redis.hang().expect("SIGSTOP");
    // All of them have arrived, and hold their places until the deadline.
    let waiting = server.take_all_places("/healthz?fresh=1");
    let refused = server.get("/healthz?fresh=1");
    assert_eq!(refused.body, "too many requests in flight\n");
    assert_eq!(refused.status, 503);
    assert_eq!(refused.headers["retry-after"], "1");
    assert_eq!(server.get("/livez").status, 200);
    drop(waiting);
}
