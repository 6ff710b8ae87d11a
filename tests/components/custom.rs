//! `cache-health serve --component`: other people's components.

use crate::fixtures::artifacts;
use crate::fixtures::server::{COMPONENT_LOG as LOG, Server};
use crate::fixtures::{Azure, Check};
use cache_health_artifacts::Component;
use cache_health_report::Status;
use std::path::{Path, PathBuf};

fn argument(path: &Path) -> String {
    path.display().to_string()
}

/// Serves an app that imports only `health`; its cache works, and then it does not.
pub fn serve_app(azure: &Azure, app: &str, log: &str) -> Server {
    let server = azure
        .check_entra()
        .env("CACHE_HEALTH_INTERVAL", "100ms")
        .env("RUST_LOG", log)
        .serve_with(&["--component", app]);
    server.wait_for_status("/readyz", 200);
    let hello = server.get("/");
    assert_eq!(hello.status, 200);
    assert!(
        hello.body.starts_with("Hello! $REDIS_HOST:"),
        "{}",
        hello.body
    );

    azure
        .redis
        .command(&["ACL", "SETUSER", &azure.object_id, "-set"])
        .expect("redis-cli");
    server.wait_for_status("/", 503);
    let down = server.get("/");
    assert!(
        down.body.contains("What to do: Data Reader cannot SET"),
        "{}",
        down.body
    );
    server
}

#[test]
fn an_app_that_imports_only_health_gets_the_verdict_and_the_remedy() {
    let azure = Azure::start();
    let server = serve_app(
        &azure,
        &argument(&artifacts().component(Component::RustApp)),
        LOG,
    );
    // Every path is the app's, but for our own routes.
    assert_eq!(server.get("/any/path").status, 503);
    assert_eq!(server.get("/livez").status, 200);
    server.wait_for_status("/healthz", 503);
}

#[test]
fn a_component_that_imports_the_capabilities_is_linked_to_them() {
    let azure = Azure::start();
    let own = artifacts().http();
    let server = azure
        .check_key()
        .env("RUST_LOG", LOG)
        .serve_with(&["--component", &argument(&own)]);
    server.wait_for_status("/readyz", 200);
    // Its own 404, not ours: it was asked.
    let answer = server.get("/nothing");
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (404, "no such route; try /healthz\n")
    );
}

#[test]
fn what_cannot_be_used_as_a_component_exits_with_two() {
    let folder = tempfile::tempdir().expect("a folder");
    let rubbish = folder.path().join("rubbish.wasm");
    std::fs::write(&rubbish, "not a component").expect("written");
    // A component, but one that exports no wasi:http handler.
    for file in [
        rubbish,
        PathBuf::from("/does/not/exist"),
        artifacts().component(Component::Health),
    ] {
        let check = Check::of("localhost", 6380)
            .env("REDIS_ACCESS_KEY", "key")
            .env("RUST_LOG", LOG);
        let arguments = [
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--component",
            &argument(&file),
        ];
        let (output, _) = check.output(&arguments);
        assert_eq!(output.status.code(), Some(2), "{}", file.display());
        let text = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(text.contains("--component cannot be used"), "{text}");
    }
}

#[test]
fn a_component_that_traps_or_hogs_memory_is_replaced_and_the_process_lives() {
    let azure = Azure::start();
    let server = azure.check_key().serve_hostile();
    for path in ["/trap", "/hog", "/handles", "/trap"] {
        assert_eq!(server.get("/").status, 204);
        let answer = server.get(path);
        assert_eq!(answer.body, "the component gave no answer\n", "{path}");
        assert_eq!(answer.status, 502, "{path}");
        assert_eq!(server.get("/").status, 204, "after {path}");
        assert_eq!(server.get("/healthz?fresh=1").status, 200);
    }
    server.wait_for_log("the component trapped; its instance is replaced");
}

#[test]
fn headers_that_a_guest_has_the_host_hold_are_bounded() {
    let azure = Azure::start();
    let server = azure.check_key().serve_hostile();
    let answer = server.get("/fields");
    assert_eq!(answer.status, 200, "{}", answer.body);
    let bytes: usize = answer.body.parse().expect("a number");
    // Five hundred times 16 KiB.
    assert!(bytes > 0 && bytes <= 500 * (16 << 10), "{bytes}");
}

#[test]
fn whatever_a_guest_passes_to_a_capability_is_an_error_of_its_own() {
    let azure = Azure::start();
    let server = azure.check_both().serve_hostile();
    // Whatever it could read is in its answer, and every answer is searched for secrets.
    let answer = server.get("/capabilities");
    assert_eq!(answer.status, 200, "{}", answer.body);
    for line in [
        "acquire 99: internal",
        "connect with no time: timeout",
        "set with no time to live: internal",
        "set of 1025 bytes: internal",
        "set of NUL bytes: ok",
        "get: 3 bytes",
        "calls that were dropped: 64",
        "after its credential was dropped: ok",
        "connections held: 32",
        "connections after that: 1",
    ] {
        assert!(answer.body.contains(line), "{line} in\n{}", answer.body);
    }
    assert!(
        answer.body.contains(&azure.object_id),
        "it may know who it is"
    );
    assert_eq!(server.get("/healthz?fresh=1").status, 200);
}

#[test]
fn a_handle_that_was_never_given_out_is_a_trap_of_the_guests_own() {
    let azure = Azure::start();
    let server = azure.check_key().serve_hostile();
    for path in ["/forged", "/dropped-twice"] {
        assert_eq!(server.get(path).status, 502, "{path}");
        assert_eq!(server.get("/").status, 204, "after {path}");
    }
    assert_eq!(server.get("/healthz?fresh=1").status, 200);
}

#[track_caller]
fn assert_alive_at_once(server: &Server) {
    let livez = server.get("/livez");
    assert_eq!(livez.status, 200);
    assert!(
        livez.took < std::time::Duration::from_secs(1),
        "{:?}",
        livez.took
    );
}

#[test]
fn a_component_that_loops_keeps_nobody_from_livez_and_is_given_up() {
    let azure = Azure::start();
    let server = azure
        .check_key()
        .env("CACHE_HEALTH_TIMEOUT", "1s")
        .serve_hostile();
    std::thread::scope(|scope| {
        let looping = scope.spawn(|| server.get("/loop"));
        while !looping.is_finished() {
            assert_alive_at_once(&server);
        }
        assert_eq!(looping.join().expect("an answer").status, 502);
    });
    assert_eq!(server.get("/").status, 204);
}

#[test]
fn a_component_that_loops_after_its_response_keeps_nobody_from_livez() {
    let azure = Azure::start();
    let server = azure
        .check_key()
        .env("CACHE_HEALTH_INTERVAL", "9m")
        .serve_hostile();
    assert_eq!(server.get("/loop-after").status, 204);
    // Long enough for the epochs to stop being counted, and to be counted again.
    let until = std::time::Instant::now() + std::time::Duration::from_secs(3);
    while std::time::Instant::now() < until {
        assert_alive_at_once(&server);
        assert_eq!(server.get("/healthz?fresh=1").status, 200);
        // Quiet, as far as the probe is concerned.
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
}

#[test]
fn an_answer_without_an_end_is_given_up() {
    let azure = Azure::start();
    let server = azure
        .check_key()
        .env("CACHE_HEALTH_TIMEOUT", "1s")
        .serve_hostile();
    assert_eq!(server.get("/endless").status, 502);
    server.wait_for_log("the component's answer took too long");
    assert_eq!(server.get("/").status, 204);
}

#[test]
fn a_client_that_goes_away_makes_no_room_in_the_component() {
    let azure = Azure::start();
    let server = azure
        .check_key()
        .env("CACHE_HEALTH_TIMEOUT", "8s")
        .env("CACHE_HEALTH_INTERVAL", "9m")
        .env("RUST_LOG", "info,cache_health=debug")
        .serve_with(&[
            "--component",
            &argument(&artifacts().component(Component::Hostile)),
        ]);
    server.wait_for_status("/readyz", 200);
    drop(server.take_all_places("/endless"));
    server.wait_for("256 clients to be gone", |server| {
        (server.descriptors() < 128).then_some(())
    });
    let refused = server.get("/");
    assert_eq!(refused.body, "too many requests in flight\n");
    assert_eq!(refused.status, 503);
    assert_eq!(server.get("/livez").status, 200);
    // In the end they are out of time, and there is room again.
    server.wait_for_status("/", 204);
}

#[test]
fn instances_are_limited_and_a_request_that_finds_none_is_told_so() {
    let azure = Azure::start();
    let check = azure.check_key().env("CACHE_HEALTH_TIMEOUT", "1s");
    let server = check.env("CACHE_HEALTH_INTERVAL", "9m").serve_hostile();
    let before = server.resident();
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..30)
            .map(|_| scope.spawn(|| server.get("/hold").status))
            .collect();
        server.wait_for("an instance that is busy", |server| {
            // Eight of them hold 24 MB each; thirty would hold 720.
            assert!(
                server.resident() < before + (400 << 20),
                "{}",
                server.resident()
            );
            assert_eq!(server.get("/livez").status, 200);
            clients
                .iter()
                .all(|client| client.is_finished())
                .then_some(())
        });
        let statuses = clients.into_iter().map(|client| client.join());
        statuses.map(|status| status.expect("an answer")).collect()
    });
    let count = |status| statuses.iter().filter(|s| **s == status).count();
    assert_eq!(count(502) + count(503), 30, "{statuses:?}");
    assert!(count(502) <= 8 && count(503) >= 22, "{statuses:?}");
    // They are given up, and there is room again.
    server.wait_for_status("/", 204);
    assert_eq!(server.get("/healthz?fresh=1").status, 200);
}

#[test]
fn random_bytes_and_what_a_call_passes_to_the_host_are_limited() {
    let azure = Azure::start();
    let server = azure.check_key().serve_hostile();
    assert_eq!(server.get("/random").body, "65536 bytes");
    // More than a call may pass is a trap of the guest's own.
    assert_eq!(server.get("/host-call").status, 502);
    assert_eq!(server.get("/").status, 204);
}

#[test]
fn a_component_cannot_storm_the_cache_with_new_connections() {
    let azure = Azure::start();
    let server = azure.check_key().bounded().serve_hostile();
    let made = server.get("/storm").body;
    let made: u32 = made
        .split(' ')
        .next()
        .and_then(|n| n.parse().ok())
        .expect("a number");
    // Four at once, two a second after that, for two seconds.
    assert!((1..=9).contains(&made), "{made} connections");
}

#[test]
fn a_caller_without_time_costs_the_kept_connection_nothing() {
    let azure = Azure::start();
    let server = azure
        .check_key()
        .env("CACHE_HEALTH_INTERVAL", "9m")
        .serve_hostile();
    let before = azure.connections();
    for _ in 0..3 {
        azure.redis.hang().expect("SIGSTOP");
        let said = server.get("/no-time").body;
        assert_eq!(said, "0: timeout\n1: timeout\n1000000: timeout\n");
        azure.redis.resume().expect("SIGCONT");
        assert_eq!(server.get("/healthz?fresh=1").verdict().0, Status::Pass);
    }
    assert_eq!(azure.connections(), before);
}
