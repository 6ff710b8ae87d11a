//! A probe whose telemetry cannot be had is a probe all the same.

use crate::fixtures::Azure;

#[test]
fn nothing_starts_where_no_end_point_is_set() {
    let azure = Azure::start();
    let server = azure.serve();
    let body = server.get_as_anybody("/metrics").body;
    assert!(!body.contains("cache_health_exports"), "{body}");
    assert!(!server.log().contains("telemetry"), "{}", server.log());
}

#[test]
fn a_collector_that_is_not_there_is_logged_once_and_stops_nothing() {
    let azure = Azure::start();
    let server = azure
        .check_key()
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
        .env("OTEL_TRACES_SAMPLER", "always_on")
        .env("CACHE_HEALTH_INTERVAL", "100ms")
        .env("RUST_LOG", "info")
        .serve();
    server.wait_for_status("/readyz", 200);
    let failed = r#"cache_health_exports_total{signal="traces",result="error"} "#;
    server.wait_for("three exports that fail", |server| {
        let body = server.get_as_anybody("/metrics").body;
        let line = body.lines().find_map(|line| line.strip_prefix(failed))?;
        (line.parse::<u32>().ok()? >= 3).then_some(())
    });
    assert_eq!(server.log_lines("telemetry cannot be exported").len(), 1);
    assert_eq!(server.get("/readyz").status, 200);
}

#[test]
fn what_is_wrong_with_its_configuration_is_logged_without_its_value_and_stops_nothing() {
    let azure = Azure::start();
    let server = azure
        .check_key()
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
        .env("OTEL_EXPORTER_OTLP_HEADERS", "s3cret")
        .secret("s3cret")
        .serve();
    server.wait_for_status("/readyz", 200);
    server.wait_for_log("no telemetry");
    assert!(server.log().contains("OTEL_EXPORTER_OTLP_HEADERS"));
}
