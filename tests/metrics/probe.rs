//! `/probe`, by the names of blackbox_exporter, for caches that are configured by name.

use super::scrape::value;
use crate::fixtures::server::Server;
use crate::fixtures::{Azure, Check};
use serde_json::json;
use std::time::{Duration, Instant};

/// A server that can probe this cache under the name `cart`.
fn serve(
    own: &Azure,
    cart: &Azure,
    change: impl Fn(Check) -> Check,
) -> (Server, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("key"), &cart.access_key).expect("written");
    let line = json!({
        "name": "cart",
        "REDIS_HOST": "localhost",
        "REDIS_PORT": cart.redis.port().to_string(),
        "REDIS_CA_FILE": cart.redis.ca_file(),
        "REDIS_AUTH": "access-key",
        "REDIS_ACCESS_KEY_FILE": path("key"),
    });
    std::fs::write(path("targets"), line.to_string()).expect("written");
    let file = path("targets").display().to_string();
    let check = own
        .check_key()
        .env("CACHE_HEALTH_TARGETS_FILE", file)
        .secret(&cart.access_key);
    let server = change(check).serve();
    server.wait_for_status("/readyz", 200);
    (server, folder)
}

#[test]
fn a_cache_that_is_configured_is_probed_by_the_names_that_boards_know() {
    let (own, cart) = (Azure::start(), Azure::start());
    let (server, _folder) = serve(&own, &cart, |check| check);
    let answer = server.get_as_anybody("/probe?target=cart&module=redis");
    assert_eq!(answer.status, 200);
    let body = answer.body;
    assert_eq!(value(&body, "probe_success "), Some(1.0));
    for name in [
        "probe_duration_seconds ",
        "probe_dns_lookup_time_seconds ",
        "probe_ssl_earliest_cert_expiry ",
    ] {
        assert!(
            value(&body, name).is_some_and(|value| value > 0.0),
            "{name} in {body}"
        );
    }
    assert_eq!(
        value(&body, "probe_tls_version_info{version=\"TLS 1.3\"}"),
        Some(1.0)
    );
    cart.redis
        .command(&["CONFIG", "SET", "maxmemory", "1"])
        .expect("redis-cli");
    let failing = server.get_as_anybody("/probe?target=cart").body;
    assert_eq!(value(&failing, "probe_success "), Some(0.0));
    let info = r#"cache_health_probe_failure_info{kind="out-of-memory",step="redis:set"}"#;
    assert_eq!(value(&failing, info), Some(1.0), "{failing}");
    // The program's own cache is another one.
    assert_eq!(server.get("/healthz?fresh=1").status, 200);
}

#[test]
fn nothing_that_is_not_configured_is_probed() {
    let (own, cart) = (Azure::start(), Azure::start());
    let (server, _folder) = serve(&own, &cart, |check| check);
    for query in [
        "",
        "?target=",
        "?target=evil.example",
        "?target=localhost",
        "?target=%ff",
        "?target=cart%00",
    ] {
        let answer = server.get_as_anybody(&format!("/probe{query}"));
        assert_eq!(answer.status, 400, "{query}: {}", answer.body);
    }
    let without = own.check_key().serve();
    assert_eq!(without.get("/probe?target=cart").status, 400);
}

#[test]
fn the_operator_can_ask_why_and_anybody_else_gets_numbers() {
    let (own, cart) = (Azure::start(), Azure::start());
    let (server, folder) = serve(&own, &cart, |check| check);
    std::fs::write(folder.path().join("key"), "another key").expect("written");
    let path = "/probe?target=cart&debug=true";
    let operator = server.get(path).body;
    for said in ["FAIL authentication", "cure: ", "localhost:"] {
        assert!(operator.contains(said), "{said} in {operator}");
    }
    let anybody = server.get_as_anybody(path).body;
    assert!(
        anybody.contains("probe_success 0") && !anybody.contains("localhost"),
        "{anybody}"
    );
}

#[test]
fn a_scrape_is_answered_in_its_time() {
    let (own, cart) = (Azure::start(), Azure::start());
    let (server, _folder) = serve(&own, &cart, |check| {
        check.env("CACHE_HEALTH_TIMEOUT", "30s")
    });
    assert_eq!(
        value(
            &server.get_as_anybody("/probe?target=cart").body,
            "probe_success "
        ),
        Some(1.0)
    );
    cart.redis.hang().expect("SIGSTOP");
    for _ in 0..3 {
        let answer = server.get_with(
            "/probe?target=cart",
            "x-prometheus-scrape-timeout-seconds",
            "1",
        );
        assert_eq!(
            value(&answer.body, "probe_success "),
            Some(0.0),
            "{}",
            answer.body
        );
        assert!(answer.took < Duration::from_secs(5), "{:?}", answer.took);
    }
    cart.redis.resume().expect("SIGCONT");
}

#[test]
fn a_flood_of_probes_is_bounded_like_any_other() {
    let (own, cart) = (Azure::start(), Azure::start());
    let (server, folder) = serve(&own, &cart, Check::bounded);
    std::fs::write(folder.path().join("key"), "another key").expect("written");
    let (before, started) = (cart.connections(), Instant::now());
    while started.elapsed() < Duration::from_secs(4) {
        assert_eq!(server.get_as_anybody("/probe?target=cart").status, 200);
    }
    let caused = cart.connections() - before;
    // Four at once, then two a second, as docs/reference/limits.md says.
    let most = 4 + 2 * (started.elapsed().as_secs() + 1);
    assert!(caused <= most, "{caused} connections, and not {most}");
}

#[test]
fn an_inventory_that_cannot_be_used_stops_the_start() {
    let azure = Azure::start();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("targets");
    let twice = "{\"REDIS_HOST\":\"a\"}\n{\"REDIS_HOST\":\"a\",\"REDIS_PORT\":\"1\"}";
    let secret = r#"{"REDIS_ACCESS_KEY":"s3cret"}"#;
    for text in [Some("s3cret"), Some(secret), Some(twice), None] {
        match text {
            Some(text) => std::fs::write(&file, text).expect("written"),
            None => std::fs::remove_file(&file).expect("removed"),
        }
        let check = azure
            .check_key()
            .env("CACHE_HEALTH_TARGETS_FILE", file.display().to_string())
            .secret("s3cret");
        let (output, _) = check.output(&["serve", "--listen", "127.0.0.1:0"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("CACHE_HEALTH_TARGETS_FILE"), "{said}");
    }
}
