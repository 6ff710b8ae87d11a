//! What a component writes is in the host's log: marked, printable, and bounded.

use crate::fixtures::Azure;
use crate::fixtures::server::Server;

fn hostile(azure: &Azure) -> Server {
    azure.check_key().env("RUST_LOG", "info").serve_hostile()
}

#[test]
fn what_a_component_writes_is_marked_in_the_log() {
    let server = hostile(&Azure::start());
    assert_eq!(server.get("/write").status, 204);
    server.wait_for_log(
        r#""message":"the component wrote","stream":"stdout","line":"to its output""#,
    );
    // Without what would turn a terminal red, or text around.
    server.wait_for_log(r#""stream":"stderr","line":"to its error [31min red""#);
}

#[test]
fn a_component_that_writes_without_end_does_not_push_the_log_aside() {
    let server = hostile(&Azure::start());
    assert_eq!(server.get("/flood").status, 204);
    assert_eq!(server.get("/write").status, 204);
    server.wait_for("the last line", |server| {
        // Some of it is asked for again, until there is room for a line.
        assert_eq!(server.get("/write").status, 204);
        server.log().contains("to its output").then_some(())
    });
    let log = server.log();
    let lines = log.matches("\"line\":\"line ").count();
    assert!((64..1000).contains(&lines), "{lines} lines");
    assert!(
        log.contains("the component wrote more than is logged"),
        "{log}"
    );
}

#[test]
fn a_panic_is_in_the_log_with_its_words_and_its_frames() {
    let server = hostile(&Azure::start());
    assert_eq!(server.get("/panic").status, 502);
    server.wait_for_log("no DATABASE_URL");
    server.wait_for_log("wasm backtrace");
}
