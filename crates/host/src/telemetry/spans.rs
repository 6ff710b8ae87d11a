//! A check as a trace: a span for the check, and one for each of its steps. Pure.
//!
//! With today's database attributes and yesterday's: Container Apps' agent is a collector that knows only those. A command
//! that Redis refused is an error here, and AUTH is a span, which .NET's instrumentation leaves out.

use super::proto::{KeyValue, Span, SpanKind, SpanStatus, StatusCode, attribute};
use crate::sample::Sample;
use cache_health_report::{Finding, Status, Step, StepResult};
use std::time::Duration;

/// What every span says of the cache.
#[derive(Clone, Debug)]
pub struct Target {
    /// Its host name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether yesterday's names are left out.
    pub stable_attributes_only: bool,
}

/// The spans of a check that ended at `end`, since 1970-01-01T00:00:00Z. `id` gives what tells spans apart.
pub fn spans(
    sample: &Sample,
    target: &Target,
    end: Duration,
    mut id: impl FnMut() -> u64,
) -> Vec<Span> {
    let trace_id = [id().to_be_bytes(), id().to_be_bytes()].concat();
    let start = end.saturating_sub(sample.took);
    let mut parent = Span {
        trace_id: trace_id.clone(),
        span_id: id().to_be_bytes().to_vec(),
        name: "cache-health check".to_owned(),
        kind: SpanKind::Internal.into(),
        start_time_unix_nano: nanos(start),
        end_time_unix_nano: nanos(end),
        ..Span::default()
    };
    let report = &sample.report;
    let status = report.status.as_str();
    parent.attributes = vec![
        attribute("cache_health.status", status),
        attribute(
            "cache_health.new_connection",
            report.tried_a_new_connection(),
        ),
    ];
    if let Some(failure) = &report.failure {
        parent
            .attributes
            .push(attribute("error.type", failure.kind.as_str()));
        parent.status = Some(error());
    }
    let mut from = start;
    let mut all = Vec::with_capacity(report.steps.len() + 1);
    for result in &report.steps {
        let until = from + result.duration;
        let mut span = step(result, report.broken(), target);
        span.trace_id.clone_from(&trace_id);
        span.span_id = id().to_be_bytes().to_vec();
        span.parent_span_id.clone_from(&parent.span_id);
        // Steps come one after the other; what is between them is not known.
        span.start_time_unix_nano = nanos(from);
        span.end_time_unix_nano = nanos(until);
        all.push(span);
        from = until;
    }
    all.insert(0, parent);
    all
}

fn step(result: &StepResult, broken: Option<&Finding>, target: &Target) -> Span {
    let command = command(result.step);
    let mut attributes = Vec::new();
    if let Some(command) = command {
        database(command, target, &mut attributes);
    }
    let failed = result.status == Status::Fail;
    let finding = broken.filter(|finding| failed && finding.step == Some(result.step));
    if let Some(finding) = finding {
        let code = finding.evidence.get("redis.code");
        let kind = finding.kind.as_str();
        attributes.push(attribute("error.type", code.unwrap_or(kind)));
        if let Some(code) = code {
            attributes.push(attribute("db.response.status_code", code));
        }
    }
    Span {
        name: command.unwrap_or(result.step.as_str()).to_owned(),
        kind: match command {
            Some(_) => SpanKind::Client,
            None => SpanKind::Internal,
        }
        .into(),
        attributes,
        status: failed.then(error),
        ..Span::default()
    }
}

/// The command of Redis that a step is.
pub fn command(step: Step) -> Option<&'static str> {
    match step {
        Step::Auth => Some("AUTH"),
        Step::Set => Some("SET"),
        Step::Get => Some("GET"),
        Step::Dns | Step::Tcp | Step::Tls | Step::Token | Step::Connect => None,
    }
}

/// OpenTelemetry's semantic conventions for database clients: today's, and yesterday's.
fn database(command: &str, target: &Target, attributes: &mut Vec<KeyValue>) {
    let (host, port) = (target.host.as_str(), i64::from(target.port));
    attributes.extend([
        attribute("db.system.name", "redis"),
        attribute("db.operation.name", command),
        attribute("server.address", host),
        attribute("server.port", port),
    ]);
    if !target.stable_attributes_only {
        attributes.extend([
            attribute("db.system", "redis"),
            attribute("db.operation", command),
            attribute("net.peer.name", host),
            attribute("net.peer.port", port),
        ]);
    }
}

fn error() -> SpanStatus {
    SpanStatus {
        message: String::new(),
        code: StatusCode::Error.into(),
    }
}

/// As OTLP has times.
pub fn nanos(since_1970: Duration) -> u64 {
    u64::try_from(since_1970.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::proto::Value;
    use super::*;
    use crate::{clock, verdict};
    use cache_health_report::{Failure, Kind};

    fn sample() -> Sample {
        let failure = Failure::of(Kind::ServerError).with("redis.code", "MISCONF");
        let mut report = verdict::failure(&failure);
        if let Some(finding) = &mut report.failure {
            finding.step = Some(Step::Set);
            finding.evidence = failure.evidence;
        }
        let result = |step, status| StepResult {
            step,
            status,
            duration: Duration::from_millis(2),
        };
        report.steps = vec![
            result(Step::Dns, Status::Pass),
            result(Step::Auth, Status::Pass),
            result(Step::Set, Status::Fail),
        ];
        Sample::new(report, clock::now())
    }

    fn text(span: &Span, key: &str) -> Option<String> {
        let found = span
            .attributes
            .iter()
            .find(|attribute| attribute.key == key)?;
        match found.value.as_ref()?.value.as_ref()? {
            Value::String(text) => Some(text.clone()),
            other => Some(format!("{other:?}")),
        }
    }

    fn of(stable_attributes_only: bool) -> Vec<Span> {
        let target = Target {
            host: "shop.example".to_owned(),
            port: 6380,
            stable_attributes_only,
        };
        let mut next = 0;
        spans(&sample(), &target, Duration::from_secs(1000), || {
            next += 1;
            next
        })
    }

    #[test]
    fn a_command_that_redis_refused_is_an_error_with_its_code() {
        let all = of(false);
        let names: Vec<_> = all.iter().map(|span| span.name.as_str()).collect();
        assert_eq!(names, ["cache-health check", "redis:dns", "AUTH", "SET"]);
        let set = &all[3];
        assert_eq!(set.kind, i32::from(SpanKind::Client));
        assert_eq!(text(set, "error.type").as_deref(), Some("MISCONF"));
        assert_eq!(
            text(set, "db.response.status_code").as_deref(),
            Some("MISCONF")
        );
        let code = |span: &Span| span.status.as_ref().map(|status| status.code);
        assert_eq!(code(set), Some(StatusCode::Error.into()));
        assert_eq!(code(&all[0]), Some(StatusCode::Error.into()));
        assert_eq!(code(&all[2]), None);
        assert_eq!(text(&all[0], "error.type").as_deref(), Some("server-error"));
    }

    #[test]
    fn yesterdays_attributes_are_there_unless_only_todays_are_wanted() {
        let both = &of(false)[3];
        for (key, value) in [
            ("db.system.name", "redis"),
            ("db.operation.name", "SET"),
            ("server.address", "shop.example"),
            ("db.system", "redis"),
            ("db.operation", "SET"),
            ("net.peer.name", "shop.example"),
        ] {
            assert_eq!(text(both, key).as_deref(), Some(value), "{key}");
        }
        let stable = &of(true)[3];
        assert!(text(stable, "db.system").is_none() && text(stable, "db.system.name").is_some());
    }

    #[test]
    fn steps_are_children_of_the_check_one_after_the_other() {
        let all = of(false);
        for span in &all[1..] {
            assert_eq!(span.parent_span_id, all[0].span_id);
            assert_eq!(span.trace_id, all[0].trace_id);
            assert_eq!(
                span.end_time_unix_nano - span.start_time_unix_nano,
                2_000_000
            );
        }
        assert_eq!(all[2].start_time_unix_nano, all[1].end_time_unix_nano);
        assert_eq!((all[0].trace_id.len(), all[0].span_id.len()), (16, 8));
    }
}
