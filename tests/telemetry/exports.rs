//! Exports that a collector takes, and what becomes of a probe whose collector does not.

use super::collector::{Collector, PATIENCE, attribute, metric, spans};
use crate::fixtures::server::Server;
use crate::fixtures::{Azure, Check};
use serde_json::Value;
use std::time::{Duration, Instant};

fn is(signal: &'static str, over: &'static str) -> impl Fn(&Value) -> bool {
    move |line| line["signal"] == signal && line["over"] == over
}

fn serve(check: Check) -> Server {
    let server = check
        .env("CACHE_HEALTH_INTERVAL", "200ms")
        .env("CACHE_HEALTH_TIMEOUT", "1s")
        .env("OTEL_METRIC_EXPORT_INTERVAL", "500")
        .env("RUST_LOG", "info")
        .serve();
    server.wait_for_status("/readyz", 200);
    server
}

/// As Container Apps' agent is announced, with a path that is none of gRPC's.
fn by_the_agent(check: Check, collector: &Collector) -> Check {
    let to = |path: &str| format!("http://127.0.0.1:{}{path}", collector.grpc);
    check
        .env("CONTAINERAPP_OTEL_TRACING_GRPC_ENDPOINT", to("/v1/traces"))
        .env("CONTAINERAPP_OTEL_METRIC_GRPC_ENDPOINT", to("/v1/metrics"))
        .env("CONTAINER_APP_REPLICA_NAME", "shop--7f-replica")
        .env("CONTAINER_APP_REVISION", "shop--7f")
}

#[test]
#[ignore = "needs grpcio and opentelemetry-proto of PyPI: cargo xtask test"]
fn container_apps_agent_gets_spans_and_numbers_over_grpc() {
    let azure = Azure::start();
    let collector = Collector::start();
    let server = serve(by_the_agent(azure.check_entra(), &collector));
    let traces = collector.wait_for("spans", is("traces", "grpc"));
    let resource = &traces["request"]["resourceSpans"][0]["resource"];
    for (key, value) in [
        ("service.name", "cache-health"),
        ("service.instance.id", "shop--7f-replica"),
        ("cloud.platform", "azure.container_apps"),
    ] {
        assert_eq!(
            attribute(resource, key).as_deref(),
            Some(value),
            "{resource}"
        );
    }
    let spans = spans(&traces);
    let named = |name: &str| spans.iter().find(|span| span["name"] == name).cloned();
    for name in [
        "cache-health check",
        "redis:dns",
        "redis:tls",
        "identity:token",
        "AUTH",
        "SET",
        "GET",
    ] {
        assert!(named(name).is_some(), "{name} in {spans:#?}");
    }
    let (check, set) = (
        named("cache-health check").expect("one"),
        named("SET").expect("one"),
    );
    assert_eq!(
        (&set["parentSpanId"], &set["kind"]),
        (&check["spanId"], &"SPAN_KIND_CLIENT".into())
    );
    let port = azure.redis.port().to_string();
    for (key, value) in [
        ("db.system.name", "redis"),
        ("db.operation.name", "SET"),
        ("server.address", "localhost"),
        ("server.port", port.as_str()),
        ("db.system", "redis"),
        ("db.operation", "SET"),
        ("net.peer.name", "localhost"),
        ("net.peer.port", port.as_str()),
    ] {
        assert_eq!(attribute(&set, key).as_deref(), Some(value), "{set}");
    }
    let whole = |line: &Value| {
        is("metrics", "grpc")(line) && metric(line, "db.client.operation.duration").is_some()
    };
    let metrics = collector.wait_for("numbers", whole);
    let duration = metric(&metrics, "db.client.operation.duration").expect("one");
    assert_eq!(duration["unit"], "s");
    let histogram = &duration["histogram"];
    assert_eq!(
        histogram["aggregationTemporality"],
        "AGGREGATION_TEMPORALITY_CUMULATIVE"
    );
    assert_eq!(
        histogram["dataPoints"][0]["explicitBounds"]
            .as_array()
            .map(Vec::len),
        Some(9)
    );
    let checks = metric(&metrics, "cache_health.checks").expect("one");
    assert_eq!(
        (&checks["unit"], &checks["sum"]["isMonotonic"]),
        (&"{check}".into(), &true.into())
    );
    for (name, unit) in [
        ("cache_health.up", "1"),
        ("cache_health.check.duration", "s"),
        ("cache_health.credential.expiry", "s"),
        ("cache_health.certificate.expiry", "s"),
    ] {
        assert_eq!(metric(&metrics, name).expect(name)["unit"], unit);
    }
    let body = server.get_as_anybody("/metrics").body;
    assert!(
        body.contains(r#"cache_health_exports_total{signal="traces",result="ok"}"#),
        "{body}"
    );
}

#[test]
#[ignore = "needs grpcio and opentelemetry-proto of PyPI: cargo xtask test"]
fn a_command_that_redis_refuses_is_an_error_and_a_check_that_says_nothing_is_not_traced() {
    let azure = Azure::start();
    let collector = Collector::start();
    let server = serve(by_the_agent(azure.check_entra(), &collector));
    collector.wait_for("the first check", is("traces", "grpc"));
    let history = |server: &Server| -> u64 {
        let text = server.get("/history").body;
        let value: Value = serde_json::from_str(&text).expect("JSON");
        value["checks"].as_u64().expect("a number")
    };
    let before = history(&server);
    server.wait_for("ten more checks", |server| {
        (history(server) > before + 10).then_some(())
    });
    let traces = collector
        .taken()
        .into_iter()
        .filter(|line| line["signal"] == "traces");
    assert_eq!(traces.count(), 1, "only the check with a new connection");
    azure
        .redis
        .command(&["CONFIG", "SET", "min-replicas-to-write", "1"])
        .expect("redis-cli");
    let refused = |line: &Value| {
        let failed =
            |span: &Value| span["name"] == "SET" && attribute(span, "error.type").is_some();
        spans(line).iter().any(failed)
    };
    let request = collector.wait_for("a SET that was refused", refused);
    let spans = spans(&request);
    let set = spans
        .iter()
        .find(|span| span["name"] == "SET")
        .expect("one");
    assert_eq!(set["status"]["code"], "STATUS_CODE_ERROR");
    assert_eq!(attribute(set, "error.type").as_deref(), Some("NOREPLICAS"));
    assert_eq!(
        attribute(set, "db.response.status_code").as_deref(),
        Some("NOREPLICAS")
    );
    assert_eq!(spans[0]["status"]["code"], "STATUS_CODE_ERROR");
}

#[test]
#[ignore = "needs grpcio and opentelemetry-proto of PyPI: cargo xtask test"]
fn each_signal_goes_its_own_way_with_its_own_key_and_deltas_where_asked() {
    let azure = Azure::start();
    let collector = Collector::start();
    let check = azure
        .check_key()
        .env(
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            format!("http://127.0.0.1:{}", collector.grpc),
        )
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
        .env(
            "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
            format!("http://127.0.0.1:{}/v1/metrics", collector.http),
        )
        .env("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "http/protobuf")
        .env(
            "OTEL_EXPORTER_OTLP_METRICS_HEADERS",
            "Authorization=Api-Token%20s3cret-of-the-backend",
        )
        .secret("s3cret-of-the-backend")
        .env("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "DELTA")
        .env("OTEL_SERVICE_NAME", "shop-probe")
        .env("OTEL_SEMCONV_STABILITY_OPT_IN", "database");
    let _server = serve(check);
    let traces = collector.wait_for("spans", is("traces", "grpc"));
    assert!(traces["headers"].get("authorization").is_none(), "{traces}");
    let spans = spans(&traces);
    let set = spans
        .iter()
        .find(|span| span["name"] == "SET")
        .expect("one");
    assert_eq!(attribute(set, "db.system"), None);
    let metrics = collector.wait_for("numbers", is("metrics", "http"));
    assert_eq!(
        metrics["headers"]["authorization"],
        "Api-Token s3cret-of-the-backend"
    );
    let resource = &metrics["request"]["resourceMetrics"][0]["resource"];
    assert_eq!(
        attribute(resource, "service.name").as_deref(),
        Some("shop-probe")
    );
    let checks = metric(&metrics, "cache_health.checks").expect("one");
    assert_eq!(
        checks["sum"]["aggregationTemporality"],
        "AGGREGATION_TEMPORALITY_DELTA"
    );
}

#[test]
#[ignore = "needs grpcio and opentelemetry-proto of PyPI: cargo xtask test"]
fn a_collector_that_stops_in_mid_export_costs_spans_and_no_check() {
    let azure = Azure::start();
    let collector = Collector::start();
    let check = by_the_agent(azure.check_key(), &collector)
        .env("OTEL_TRACES_SAMPLER", "always_on")
        .env("OTEL_EXPORTER_OTLP_TIMEOUT", "2000");
    let mut server = check
        .env("CACHE_HEALTH_INTERVAL", "100ms")
        .env("OTEL_METRIC_EXPORT_INTERVAL", "200")
        .env("RUST_LOG", "info")
        .serve();
    server.wait_for_status("/readyz", 200);
    collector.wait_for("an export", is("traces", "grpc"));
    collector.signal("STOP");
    let stopped = Instant::now();
    let exports = |server: &Server, result: &str| -> f64 {
        let body = server.get_as_anybody("/metrics").body;
        let series =
            format!("cache_health_exports_total{{signal=\"traces\",result=\"{result}\"}} ");
        let line = body.lines().find_map(|line| line.strip_prefix(&series));
        line.and_then(|value| value.parse().ok()).expect("a number")
    };
    server.wait_for("an export that fails", |server| {
        (exports(server, "error") >= 1.0).then_some(())
    });
    // All the time the checks go on, and nobody waits.
    while stopped.elapsed() < Duration::from_secs(4) {
        let newest = server.get("/healthz");
        assert_eq!(newest.status, 200);
        assert!(newest.document().age_seconds < 1.0, "{}", newest.body);
        assert!(newest.took < Duration::from_secs(1), "{:?}", newest.took);
    }
    server.wait_for_log("telemetry cannot be exported");
    let before = exports(&server, "ok");
    collector.signal("CONT");
    server.wait_for("exports again", |server| {
        (exports(server, "ok") > before).then_some(())
    });
    collector.signal("STOP");
    server.signal("TERM");
    assert_eq!(server.wait(PATIENCE), 0);
    collector.signal("CONT");
}

#[test]
#[ignore = "needs grpcio and opentelemetry-proto of PyPI: cargo xtask test"]
fn the_doctor_says_whether_the_collector_takes_what_it_gets() {
    let azure = Azure::start();
    let collector = Collector::start();
    let section = |check: &Check| {
        let (diagnosis, code) = crate::doctor::diagnose(check, &[]);
        assert_eq!(code, 0, "telemetry is no reason to fail");
        let all = diagnosis["categories"].as_array().expect("a list").clone();
        all.into_iter()
            .find(|c| c["category"] == "telemetry")
            .expect("one")
    };
    let taken = section(&by_the_agent(azure.check_key(), &collector));
    assert_eq!(taken["result"], "ok", "{taken}");
    let nobody = azure
        .check_key()
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1");
    let refused = section(&nobody);
    assert_eq!(refused["result"], "warn");
    let said = refused["summary"].as_str().expect("text");
    assert!(
        said.contains("traces to 127.0.0.1:1: the collector cannot be reached"),
        "{said}"
    );
    assert_eq!(section(&azure.check_key())["result"], "skip");
}
