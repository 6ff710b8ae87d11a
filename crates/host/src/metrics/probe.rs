//! One check by the names of blackbox_exporter, so that boards and rules for it work.

use super::{Labels, Value, encode};
use cache_health_report::{Report, Step};
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use std::time::Duration;

/// A report that took this long, or none where the scrape would not wait: the media type and the text.
pub fn probed(report: Option<&Report>, took: Duration, accept: &str) -> (&'static str, String) {
    let mut registry = Registry::default();
    let mut gauge = |name: &str, help: &str, value: f64| {
        let gauge = Value::default();
        gauge.set(value);
        registry.register(name, help, gauge);
    };
    let usable = report.is_some_and(|report| report.failure.is_none());
    gauge(
        "probe_success",
        "Whether the cache can be used",
        f64::from(u8::from(usable)),
    );
    gauge(
        "probe_duration_seconds",
        "What the check took",
        took.as_secs_f64(),
    );
    if let Some(lookup) = report.and_then(|report| duration(report, Step::Dns)) {
        gauge(
            "probe_dns_lookup_time_seconds",
            "What resolving the name took",
            lookup.as_secs_f64(),
        );
    }
    if let Some(end) = report.and_then(Report::certificate_end).map(super::seconds) {
        gauge(
            "probe_ssl_earliest_cert_expiry",
            "When the certificate ends, since 1970",
            end,
        );
    }
    if let Some(tls) = report.and_then(|report| report.tls.as_ref()) {
        let version = tls.protocol.replace("TLSv", "TLS ");
        info(
            &mut registry,
            "probe_tls_version_info",
            "The version of TLS",
            vec![("version", version)],
        );
    }
    if let Some(failure) = report.and_then(|report| report.failure.as_ref()) {
        let step = failure.step.map_or("", |step| step.as_str()).to_owned();
        let labels = vec![("kind", failure.kind.to_string()), ("step", step)];
        info(
            &mut registry,
            "cache_health_probe_failure_info",
            "What is broken",
            labels,
        );
    }
    encode(&registry, accept)
}

fn info(registry: &mut Registry, name: &str, help: &str, labels: Labels) {
    let family: Family<Labels, Value> = Family::default();
    family.get_or_create(&labels).set(1.0);
    registry.register(name, help, family);
}

fn duration(report: &Report, step: Step) -> Option<Duration> {
    let mut results = report.steps.iter().filter(|result| result.step == step);
    results.next_back().map(|result| result.duration)
}
