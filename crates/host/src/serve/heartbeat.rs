//! A line in the log every few minutes that says how it goes, whether anything changed or not: alerts can be written on
//! it, and on its absence.

use crate::serve::app::App;
use crate::serve::series::Newest;
use cache_health_report::probe::Verdict;
use cache_health_report::{Status, rfc3339};
use std::time::Duration;
use tracing::info;

/// One with the first sample, and then one each period.
pub async fn beat_for_ever(app: App, every: Duration) {
    app.first_sample().await;
    loop {
        beat(&app);
        tokio::time::sleep(every).await;
    }
}

/// The set of fields is fixed (`docs/reference/log.md`): Container Apps can make a column of each. What is not known is
/// empty.
fn beat(app: &App) {
    let readiness = app.readiness();
    let (beat, course) = app.beat();
    let spread = beat.spread();
    let newest = readiness.newest.sample().map(|sample| &sample.report);
    let (status, failure) = match readiness.newest.verdict() {
        Verdict::Failing(kind) => (Status::Fail.as_str(), kind.as_str()),
        Verdict::Usable => (newest.map_or("", |report| report.status.as_str()), ""),
        Verdict::Unknown => ("", ""),
    };
    let warnings = newest.into_iter().flat_map(|report| &report.warnings);
    let warnings: Vec<_> = warnings.map(|warning| warning.kind.as_str()).collect();
    let stale = matches!(readiness.newest, Newest::Stale(_));
    let step = newest.and_then(|report| report.failure.as_ref()?.step);
    let time = |seconds: Option<i64>| seconds.map(rfc3339).unwrap_or_default();
    info!(
        status,
        failure,
        step = step.map_or("", |step| step.as_str()),
        since = time(course.filter(|_| !stale).map(|course| course.since)),
        checks = beat.checks,
        failures = beat.failures,
        changes = beat.changes,
        p50_ms = spread.p50_ms,
        max_ms = spread.max_ms,
        warnings = warnings.join(" "),
        method = beat.method.map_or("", |method| method.as_str()),
        credential_expires = time(beat.credential_expires),
        certificate_expires = time(beat.certificate_expires),
        interval_s = app.interval().as_secs_f64(),
        version = env!("CARGO_PKG_VERSION"),
        replica = app.replica().name,
        revision = app.replica().revision,
        "heartbeat"
    );
}
