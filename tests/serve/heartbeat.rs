//! The heartbeat, and every other line that alerts or columns are made of: `docs/reference/log.md` has them all.

use crate::fixtures::server::Server;
use crate::fixtures::{Azure, Check};
use cache_health_local_azure::identity::Behaviour;
use serde_json::Value;
use std::collections::BTreeSet;

const PAGE: &str = include_str!("../../docs/reference/log.md");
/// The longest line: Container Apps cuts them at sixteen kilobytes, and others sooner.
const MAX_LINE: usize = 4 * 1024;
/// What every line has.
const OF_EVERY_LINE: [&str; 4] = ["timestamp", "level", "target", "message"];

fn serve(check: Check) -> Server {
    check
        .env("RUST_LOG", "info")
        .env("CACHE_HEALTH_HEARTBEAT", "1s")
        .env("CACHE_HEALTH_INTERVAL", "200ms")
        .env("CACHE_HEALTH_TIMEOUT", "1s")
        .env("CONTAINER_APP_REPLICA_NAME", "shop--7f-replica")
        .env("CONTAINER_APP_REVISION", "shop--7f")
        .serve()
}

/// The fields of each message, as documented.
fn documented(message: &str) -> Option<BTreeSet<String>> {
    let row = PAGE
        .lines()
        .find(|line| line.starts_with(&format!("| `{message}` |")))?;
    let fields = row.split('|').nth(3)?;
    let named = fields.split('`').skip(1).step_by(2).map(str::to_owned);
    Some(named.collect())
}

fn fields(line: &Value) -> BTreeSet<String> {
    let own = |name: &&String| !OF_EVERY_LINE.contains(&name.as_str());
    line.as_object()
        .expect("flat")
        .keys()
        .filter(own)
        .cloned()
        .collect()
}

/// The last heartbeat with this status.
fn heartbeat(server: &Server, status: &str) -> Value {
    server.wait_for(&format!("a heartbeat that says {status}"), |server| {
        let mut lines = server.log_lines("heartbeat").into_iter();
        lines.rfind(|line| line["status"] == status)
    })
}

#[test]
fn a_heartbeat_says_each_verdict_with_the_same_fields() {
    let fixed = documented("heartbeat").expect("documented");
    let azure = Azure::start();
    let passing = serve(azure.check_entra());
    let pass = heartbeat(&passing, "pass");
    assert_eq!((&pass["failure"], &pass["step"]), (&"".into(), &"".into()));
    assert_eq!(pass["method"], "entra");
    assert_eq!(pass["replica"], "shop--7f-replica");
    assert_eq!(pass["revision"], "shop--7f");
    for end in ["credential_expires", "certificate_expires", "since"] {
        assert!(
            pass[end].as_str().is_some_and(|time| time.ends_with('Z')),
            "{end}: {pass}"
        );
    }

    let falling_back = Azure::start();
    falling_back.identity.behave(Behaviour::status(400));
    let warning = serve(falling_back.check_both());
    let warn = heartbeat(&warning, "warn");
    assert_eq!(warn["method"], "access-key");

    let broken = Azure::start();
    broken
        .redis
        .command(&["ACL", "SETUSER", &broken.object_id, "-set"])
        .expect("redis-cli");
    let failing = serve(broken.check_entra());
    let fail = heartbeat(&failing, "fail");
    assert_eq!(fail["failure"], "permission-denied");
    assert_eq!(fail["step"], "redis:set");

    for line in [pass, warn, fail] {
        assert_eq!(fields(&line), fixed, "{line}");
        assert!(line.to_string().len() < MAX_LINE, "{line}");
        let flat = |value: &Value| !value.is_object() && !value.is_array() && !value.is_null();
        assert!(line.as_object().expect("flat").values().all(flat), "{line}");
    }
}

#[test]
fn a_heartbeat_counts_what_came_after_the_last_and_says_how_long_checks_took() {
    let azure = Azure::start();
    let server = serve(azure.check_key());
    let second = server.wait_for("a second heartbeat", |server| {
        server.log_lines("heartbeat").into_iter().nth(1)
    });
    let number = |name: &str| second[name].as_f64().expect("a number");
    assert!(
        number("checks") >= 1.0 && number("failures") == 0.0,
        "{second}"
    );
    assert!(number("changes") == 0.0, "{second}");
    assert!(
        0.0 < number("p50_ms") && number("p50_ms") <= number("max_ms"),
        "{second}"
    );
    assert_eq!(number("interval_s"), 0.2);
}

#[test]
fn a_heartbeat_that_is_off_is_not_written_and_a_verdict_is() {
    let azure = Azure::start();
    let server = azure
        .check_key()
        .env("RUST_LOG", "info")
        .env("CACHE_HEALTH_HEARTBEAT", "0")
        .env("CACHE_HEALTH_INTERVAL", "100ms")
        .serve();
    server.wait_for_log("\"verdict\"");
    server.wait_for("ten samples", |server| {
        let history: Value = serde_json::from_str(&server.get("/history").body).expect("JSON");
        (history["checks"].as_u64() >= Some(10)).then_some(())
    });
    assert!(server.log_lines("heartbeat").is_empty());
}

#[test]
fn every_line_at_info_has_only_fields_that_are_documented() {
    let azure = Azure::start();
    azure.issue_tokens_of(3);
    let server = serve(azure.check_both());
    server.wait_for_status("/readyz", 200);
    azure.identity.behave(Behaviour::status(500));
    azure
        .redis
        .command(&["ACL", "SETUSER", &azure.object_id, "-set"])
        .expect("redis-cli");
    server.wait_for_status("/healthz", 503);
    server.signal("TERM");
    server.wait_for_log("\"drained\"");
    let log = server.log();
    let mut messages = BTreeSet::new();
    for line in log.lines() {
        let line: Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let message = line["message"].as_str().expect("a message").to_owned();
        let documented = documented(&message);
        let documented = documented.unwrap_or_else(|| panic!("{message} is not documented"));
        let fields = fields(&line);
        let beyond: Vec<_> = fields.difference(&documented).collect();
        assert!(
            beyond.is_empty(),
            "{beyond:?} of {message} is not documented"
        );
        messages.insert(message);
    }
    for message in [
        "verdict",
        "heartbeat",
        "SET succeeded",
        "SET failed",
        "got an Entra token",
    ] {
        assert!(messages.contains(message), "{message} in {messages:?}");
    }
}
