//! The doctor asks the `serve` in the same replica what it remembers.

use super::faults::diagnose;
use crate::fixtures::Azure;
use cache_health_local_azure::port;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;

#[test]
fn a_kept_connection_that_works_while_new_ones_fail_is_named_with_its_time() {
    let azure = Azure::start();
    let server = azure
        .check_entra()
        .env("CACHE_HEALTH_INTERVAL", "200ms")
        .env("CACHE_HEALTH_NEW_CONNECTION_EVERY", "300ms")
        .serve();
    server.wait_for_status("/readyz", 200);
    azure
        .redis
        .command(&["ACL", "SETUSER", &azure.object_id, "resetpass"])
        .expect("redis-cli");
    server.wait_for("a new connection that fails", |server| {
        let history = server.get("/history").body;
        history
            .contains(r#""newConnection":{"status":"fail""#)
            .then_some(())
    });
    let check = azure
        .check_entra()
        .env("CACHE_HEALTH_LISTEN", &server.address);
    let (diagnosis, code) = diagnose(&check, &[]);
    let said = diagnosis["serve"]["said"].as_str().expect("a sentence");
    assert!(
        said.starts_with("the kept connection works, new ones fail since 20"),
        "{said}"
    );
    assert!(said.contains("(auth-rejected)"), "{said}");
    assert_eq!(code, 1, "the doctor's own connection is a new one");
}

#[test]
fn the_operators_port_is_asked_where_a_component_has_the_other() {
    let azure = Azure::start();
    let server = azure
        .check_key()
        .env("CACHE_HEALTH_ADMIN_LISTEN", "127.0.0.1:0")
        .serve();
    server.wait_for_status("/readyz", 200);
    let nobody = format!("127.0.0.1:{}", port::NOBODY);
    let check = azure
        .check_key()
        .env("CACHE_HEALTH_LISTEN", nobody)
        .env("CACHE_HEALTH_ADMIN_LISTEN", server.admin_address());
    let (diagnosis, _) = diagnose(&check, &[]);
    assert!(diagnosis["serve"]["history"].is_object(), "{diagnosis}");
}

#[test]
fn somebody_elses_port_is_shown_no_token_and_costs_nothing() {
    let azure = Azure::start();
    let other = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = other.local_addr().expect("it").to_string();
    let asked = std::thread::spawn(move || {
        let (mut stream, _) = other.accept().expect("somebody");
        let mut request = [0; 4096];
        let length = stream.read(&mut request).expect("a request");
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
        stream.write_all(answer).expect("written");
        String::from_utf8_lossy(&request[..length]).to_ascii_lowercase()
    });
    let check = azure.check_key().env("CACHE_HEALTH_LISTEN", address);
    let (diagnosis, code) = diagnose(&check, &[]);
    assert_eq!(
        (code, &diagnosis["serve"]["history"]),
        (0, &serde_json::Value::Null)
    );
    let request = asked.join().expect("joined");
    assert!(request.starts_with("get /history"), "{request}");
    assert!(!request.contains("authorization"), "{request}");
}
