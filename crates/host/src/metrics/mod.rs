//! `/metrics`: what the samples said, for Prometheus. Public: no error text, no host, no principal and no name of a
//! certificate is a label or a value. Times are timestamps and not ages, so that a scrape is right whenever it comes.

mod cache;
mod exports;
mod probe;
mod process;

pub use probe::probed;

use crate::cache::Counts;
use crate::sample::Sample;
use crate::telemetry::Exports;
use cache_health_report::{FallbackReason, Report, Status};
use prometheus_client::encoding::{prometheus_text, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

/// The buckets of OpenTelemetry's `db.client.operation.duration`, and finer ones below: a round trip within a region
/// takes a fraction of a millisecond.
const BUCKETS: [f64; 12] = [
    0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0,
];

/// What the names of ours begin with.
const PREFIX: &str = "cache_health";

/// The media type of OpenMetrics, as a scrape asks for it.
const OPEN_METRICS: &str = "application/openmetrics-text";
const OPEN_METRICS_1: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Names and values; none is a set of its own.
type Labels = Vec<(&'static str, String)>;
type Value = Gauge<f64, AtomicU64>;

/// A value that is absent until it is known.
type Maybe = Family<Labels, Value>;

/// What is measured.
pub struct Metrics {
    registry: Registry,
    up: Maybe,
    status: Maybe,
    checks: Family<Labels, Counter>,
    failures: Family<Labels, Counter>,
    changes: Counter,
    check_duration: Histogram,
    step_duration: Family<Labels, Histogram>,
    last_check: Maybe,
    last_success: Maybe,
    credential_expiry: Maybe,
    certificate_expiry: Maybe,
    tls_info: Family<Labels, Gauge>,
    fallback: Family<Labels, Counter>,
    loop_stall: Value,
}

impl Metrics {
    /// Nothing measured yet. `version`: of the program, with its revision.
    pub fn new(counts: Arc<Counts>, exports: Option<Arc<[Exports; 2]>>, version: &str) -> Self {
        let durations = || Histogram::new(BUCKETS);
        let mut metrics = Self {
            registry: Registry::default(),
            up: Maybe::default(),
            status: Maybe::default(),
            checks: Family::default(),
            failures: Family::default(),
            changes: Counter::default(),
            check_duration: durations(),
            step_duration: Family::new_with_constructor(durations),
            last_check: Maybe::default(),
            last_success: Maybe::default(),
            credential_expiry: Maybe::default(),
            certificate_expiry: Maybe::default(),
            tls_info: Family::default(),
            fallback: Family::default(),
            loop_stall: Value::default(),
        };
        metrics.register(counts);
        let (number, commit) = version.split_once(" (").unwrap_or((version, ""));
        let build: Family<Labels, Gauge> = Family::default();
        let commit = commit.trim_end_matches(')').to_owned();
        let labels = vec![("version", number.to_owned()), ("commit", commit)];
        build.get_or_create(&labels).set(1);
        let registry = &mut metrics.registry;
        registry.register_collector(Box::new(process::ProcessCollector::new()));
        let ours = registry.sub_registry_with_prefix(PREFIX);
        ours.register("build_info", "The program that this is", build);
        if let Some(exports) = exports {
            ours.register_collector(Box::new(exports::ExportsCollector(exports)));
        }
        metrics
    }

    fn register(&mut self, counts: Arc<Counts>) {
        let r = self.registry.sub_registry_with_prefix(PREFIX);
        r.register_collector(Box::new(cache::CacheCollector(counts)));
        let seconds = || Unit::Seconds;
        let (up, status) = (self.up.clone(), self.status.clone());
        r.register(
            "up",
            "Whether the cache can be used; absent until known",
            up,
        );
        r.register(
            "status",
            "The verdict: 1 for the one that is in force",
            status,
        );
        r.register("checks", "Checks in the background", self.checks.clone());
        r.register(
            "failures",
            "Checks in the background that failed",
            self.failures.clone(),
        );
        r.register(
            "status_changes",
            "How often the verdict changed",
            self.changes.clone(),
        );
        let check = self.check_duration.clone();
        r.register_with_unit("check_duration", "What a check took", seconds(), check);
        let step = self.step_duration.clone();
        r.register_with_unit(
            "step_duration",
            "What a step of a check took",
            seconds(),
            step,
        );
        let last = self.last_check.clone();
        r.register_with_unit(
            "last_check_timestamp",
            "When the last check ended",
            seconds(),
            last,
        );
        let success = self.last_success.clone();
        let help = "When a check last found that the cache can be used";
        r.register_with_unit("last_success_timestamp", help, seconds(), success);
        let credential = self.credential_expiry.clone();
        let help = "When the credential ends";
        r.register_with_unit("credential_expiry_timestamp", help, seconds(), credential);
        let certificate = self.certificate_expiry.clone();
        let help = "When the server's certificate ends, whether it was accepted or not";
        r.register_with_unit("certificate_expiry_timestamp", help, seconds(), certificate);
        r.register(
            "tls_info",
            "The session with the cache",
            self.tls_info.clone(),
        );
        let help = "Checks that used a less preferred credential, by the reason";
        r.register("auth_fallback", help, self.fallback.clone());
        let help = "How much later than it asked this program woke up for its last check";
        r.register_with_unit("loop_stall", help, seconds(), self.loop_stall.clone());
    }

    /// Takes a sample in. `changed`: whether the verdict is another one than before.
    pub fn record(&self, sample: &Sample, changed: bool) {
        let report = &sample.report;
        let labels = vec![("status", report.status.as_str().to_owned())];
        self.checks.get_or_create(&labels).inc();
        if let Some(failure) = &report.failure {
            let step = failure.step.map_or("", |step| step.as_str()).to_owned();
            let labels = vec![("kind", failure.kind.to_string()), ("step", step)];
            self.failures.get_or_create(&labels).inc();
        } else {
            set(&self.last_success, vec![], seconds(report.time));
        }
        if changed {
            self.changes.inc();
        }
        self.check_duration.observe(sample.took.as_secs_f64());
        for result in &report.steps {
            let labels = vec![("step", result.step.as_str().to_owned())];
            let duration = result.duration.as_secs_f64();
            self.step_duration.get_or_create(&labels).observe(duration);
        }
        set(&self.last_check, vec![], seconds(report.time));
        self.record_credential(report);
        self.record_tls(report);
    }

    fn record_credential(&self, report: &Report) {
        let Some(auth) = &report.auth else { return };
        // Another credential took the place of the one before.
        self.credential_expiry.clear();
        if let Some(end) = auth.expires_at {
            let method = auth.method.as_str().to_owned();
            let labels = vec![("method", method), ("label", auth.label.clone())];
            set(&self.credential_expiry, labels, seconds(end));
        }
        if let Some(reason) = auth
            .fallback_reason
            .filter(|r| *r != FallbackReason::NotConfigured)
        {
            let labels = vec![("reason", reason.as_str().to_owned())];
            self.fallback.get_or_create(&labels).inc();
        }
    }

    fn record_tls(&self, report: &Report) {
        if let Some(tls) = &report.tls {
            self.tls_info.clear();
            let labels = vec![
                ("version", tls.protocol.clone()),
                ("cipher", tls.cipher.clone()),
            ];
            self.tls_info.get_or_create(&labels).set(1);
        }
        // Of one that was refused as well: a certificate that has ended is the one to know of.
        if let Some(end) = report.certificate_end() {
            set(&self.certificate_expiry, vec![], seconds(end));
        }
    }

    /// How much later than it asked the sampler woke up.
    pub fn stalled(&self, late: Duration) {
        self.loop_stall.set(late.as_secs_f64());
    }

    /// What is in force when a scrape asks, which is not the last sample's once that is too old; none while nothing is known.
    pub fn in_force(&self, status: Option<Status>) {
        let Some(in_force) = status else { return };
        let one_if = |is: bool| f64::from(u8::from(is));
        set(&self.up, vec![], one_if(in_force != Status::Fail));
        for status in [Status::Pass, Status::Warn, Status::Fail] {
            let labels = vec![("status", status.as_str().to_owned())];
            set(&self.status, labels, one_if(status == in_force));
        }
    }

    /// Everything as text, with its media type: OpenMetrics where a scrape asks for it, else Prometheus' own.
    pub fn scrape(&self, accept: &str) -> (&'static str, String) {
        encode(&self.registry, accept)
    }
}

fn encode(registry: &Registry, accept: &str) -> (&'static str, String) {
    let mut out = String::new();
    // Writing to a string cannot fail.
    if accept.contains(OPEN_METRICS) {
        let _ = text::encode(&mut out, registry);
        return (OPEN_METRICS_1, out);
    }
    let _ = prometheus_text::encode(&mut out, registry);
    (prometheus_text::CONTENT_TYPE, out)
}

fn set(family: &Maybe, labels: Labels, value: f64) {
    family.get_or_create(&labels).set(value);
}

/// Seconds since 1970-01-01T00:00:00Z as Prometheus has them.
fn seconds(time: i64) -> f64 {
    time as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock, verdict};
    use cache_health_report::{Failure, Kind};
    use std::sync::Arc;

    #[test]
    fn what_is_in_force_is_not_the_last_samples_once_that_is_too_old() {
        let metrics = Metrics::new(Arc::default(), None, "0");
        let lines = |text: &str| {
            let (_, all) = metrics.scrape("");
            all.lines().any(|line| line.starts_with(text))
        };
        let mut report = verdict::failure(&Failure::of(Kind::Connect));
        (report.failure, report.status) = (None, Status::Pass);
        metrics.record(&Sample::new(report, clock::now()), true);
        metrics.in_force(None);
        assert!(!lines("cache_health_up 1"), "nothing is known");
        metrics.in_force(Some(Status::Pass));
        assert!(lines("cache_health_up 1"));
        assert!(lines("cache_health_status{status=\"pass\"} 1"));
        metrics.in_force(Some(Status::Fail));
        assert!(lines("cache_health_up 0"));
        assert!(lines("cache_health_status{status=\"pass\"} 0"));
        assert!(lines("cache_health_status{status=\"fail\"} 1"));
    }
}
