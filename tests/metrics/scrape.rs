//! `/metrics`: its names, its labels, and what is never in it.

use crate::fixtures::server::{Answer, Server};
use crate::fixtures::{Azure, Check};
use cache_health_local_azure::certificates::Leaf;
use cache_health_local_azure::identity::Behaviour;
use std::collections::BTreeSet;
use time::Duration;

const PAGE: &str = include_str!("../../docs/reference/metrics.md");

pub fn serve(check: Check) -> Server {
    let server = check.env("CACHE_HEALTH_INTERVAL", "200ms").serve();
    server.wait_for("a second sample", |server| {
        let checks = value(
            &server.get_as_anybody("/metrics").body,
            "cache_health_last_check_timestamp_seconds",
        );
        checks.map(drop)
    });
    server
}

/// The value of a sample, by the beginning of its line.
pub fn value(text: &str, series: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(series))?;
    line.trim().parse().ok()
}

/// The families that are exposed.
fn families(text: &str) -> BTreeSet<String> {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types
        .filter_map(|rest| Some(rest.split(' ').next()?.to_owned()))
        .collect()
}

/// The names that are documented.
fn documented() -> BTreeSet<String> {
    let rows = PAGE.lines().filter(|line| line.starts_with("| `"));
    let cells = rows.filter_map(|row| row.split('|').nth(1));
    let names = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    names.map(str::to_owned).collect()
}

/// A check of a cache that refuses to write, with the fallback.
fn refusing(azure: &Azure) -> Check {
    azure.identity.behave(Behaviour::status(400));
    azure
        .redis
        .command(&["CONFIG", "SET", "min-replicas-to-write", "1"])
        .expect("redis-cli");
    azure.check_both()
}

#[test]
fn every_name_is_documented_and_every_documented_one_is_there() {
    let azure = Azure::start();
    let server = serve(azure.check_entra());
    let answer = server.get_as_anybody("/metrics");
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.headers["content-type"],
        "text/plain; version=0.0.4; charset=utf-8"
    );
    // A family without a value is not exposed: a cache that refuses to write, and is used with the fallback, has the others.
    let other = Azure::start();
    let refusing = serve(refusing(&other));
    let mut seen = families(&answer.body);
    seen.extend(families(&refusing.get_as_anybody("/metrics").body));
    let mut named = documented();
    // Only where telemetry is configured: tests/telemetry.
    assert!(named.remove("cache_health_exports_total"));
    assert_eq!(seen, named);
    assert_eq!(value(&answer.body, "cache_health_up "), Some(1.0));
    assert_eq!(
        value(&answer.body, "cache_health_status{status=\"pass\"}"),
        Some(1.0)
    );
    assert_eq!(
        value(&answer.body, "cache_health_status{status=\"fail\"}"),
        Some(0.0)
    );
    assert_eq!(
        value(
            &answer.body,
            "cache_health_connections_total{result=\"ok\"}"
        ),
        Some(1.0)
    );
}

#[test]
fn nothing_of_this_deployment_is_a_label_or_a_value_whoever_asks() {
    let azure = Azure::start();
    let server = serve(refusing(&azure).env("CONTAINER_APP_REPLICA_NAME", "shop--7f-replica"));
    let never = [
        azure.object_id.as_str(),
        "localhost",
        "CN=",
        "127.0.0.1",
        "shop--7f",
        "NOREPLICAS",
    ];
    for Answer { body, .. } in [server.get_as_anybody("/metrics"), server.get("/metrics")] {
        for value in never {
            assert!(!body.contains(value), "{value} in {body}");
        }
        assert!(
            body.contains(r#"cache_health_failures_total{kind="server-error",step="redis:set"}"#),
            "{body}"
        );
        assert!(
            body.contains(r#"cache_health_auth_fallback_total{reason="token-rejected"}"#),
            "{body}"
        );
    }
}

#[test]
fn a_scrape_that_asks_for_open_metrics_gets_it() {
    let azure = Azure::start();
    let server = serve(azure.check_key());
    let text = server.get_with(
        "/metrics",
        "accept",
        "application/openmetrics-text; version=1.0.0, text/plain;q=0.1",
    );
    assert_eq!(
        text.headers["content-type"],
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    assert!(text.body.ends_with("# EOF\n"), "{}", text.body);
}

#[test]
fn what_is_not_known_yet_is_absent() {
    let azure = Azure::start();
    azure.redis.hang().expect("SIGSTOP");
    let server = azure.check_key().env("CACHE_HEALTH_TIMEOUT", "10s").serve();
    let body = server.get_as_anybody("/metrics").body;
    for name in [
        "cache_health_up",
        "cache_health_last_check_timestamp_seconds",
        "cache_health_certificate_expiry_timestamp_seconds",
    ] {
        let sample = |line: &str| line.starts_with(name);
        assert!(!body.lines().any(sample), "{name} in {body}");
    }
    assert!(body.contains("cache_health_build_info{"), "{body}");
    azure.redis.resume().expect("SIGCONT");
}

#[test]
fn the_end_of_a_certificate_is_known_when_it_was_refused_for_it() {
    let azure = Azure::with_leaf(&Leaf {
        starts: Duration::days(-10),
        ends: Duration::days(-2),
        ..Leaf::default()
    });
    let server = serve(azure.check_key());
    let body = server.get_as_anybody("/metrics").body;
    assert_eq!(value(&body, "cache_health_up "), Some(0.0));
    let end = value(&body, "cache_health_certificate_expiry_timestamp_seconds ").expect("known");
    let check = value(&body, "cache_health_last_check_timestamp_seconds ").expect("known");
    let days = (check - end) / 86_400.0;
    assert!((1.9..2.1).contains(&days), "{days}");
}

#[test]
fn with_a_component_the_metrics_are_on_the_operators_port() {
    let azure = Azure::start();
    let server = azure
        .check_key()
        .env("CACHE_HEALTH_ADMIN_LISTEN", "127.0.0.1:0")
        .serve_hostile();
    assert_eq!(server.get("/metrics").status, 204, "the component's");
    let admin = server.get_at(&server.admin_address(), "/metrics");
    assert_eq!(admin.status, 200);
}
