//! The checks as numbers of OpenTelemetry. Pure.

use super::proto::{
    Data, Gauge, Histogram, HistogramPoint, KeyValue, Metric, Number, NumberPoint, Sum,
    Temporality, attribute,
};
use super::spans::{Target, command, nanos};
use crate::sample::Sample;
use cache_health_report::Status;
use std::collections::BTreeMap;
use std::time::Duration;

/// The boundaries that OpenTelemetry gives `db.client.operation.duration`, in seconds.
const BOUNDS: [f64; 9] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0];

/// How many kinds of operations are told apart, and what the others are called.
const MOST: usize = 32;
const OTHER: &str = "_OTHER";

/// Now, twice.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// Since 1970-01-01T00:00:00Z.
    pub wall: Duration,
    /// By [`crate::clock::now`].
    pub clock: Duration,
}

/// What was counted since a time.
#[derive(Debug)]
pub struct Points {
    /// Since 1970-01-01T00:00:00Z.
    since: Duration,
    checks: BTreeMap<&'static str, u64>,
    failures: BTreeMap<(&'static str, &'static str), u64>,
    check_duration: Durations,
    /// By the command, and why it failed.
    operations: BTreeMap<(&'static str, String), Durations>,
    /// Whether the cache can be used, and when that was found, by [`crate::clock::now`].
    usable: Option<(bool, Duration)>,
    /// How old that may be.
    stale_after: Duration,
    credential_expires: Option<i64>,
    certificate_expires: Option<i64>,
    last_check: Option<i64>,
}

#[derive(Clone, Debug, Default)]
struct Durations {
    counts: [u64; BOUNDS.len() + 1],
    sum: f64,
}

impl Durations {
    fn add(&mut self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        let at = BOUNDS.iter().position(|bound| seconds <= *bound);
        self.counts[at.unwrap_or(BOUNDS.len())] += 1;
        self.sum += seconds;
    }
}

impl Points {
    /// Nothing counted since now, since 1970. `stale_after`: how old a sample may be that says whether the cache can be
    /// used.
    pub fn since(now: Duration, stale_after: Duration) -> Self {
        Self {
            since: now,
            stale_after,
            checks: BTreeMap::new(),
            failures: BTreeMap::new(),
            check_duration: Durations::default(),
            operations: BTreeMap::new(),
            usable: None,
            credential_expires: None,
            certificate_expires: None,
            last_check: None,
        }
    }

    /// Takes a sample in.
    pub fn add(&mut self, sample: &Sample) {
        let report = &sample.report;
        *self.checks.entry(report.status.as_str()).or_default() += 1;
        if let Some(failure) = &report.failure {
            let step = failure.step.map_or("", |step| step.as_str());
            *self
                .failures
                .entry((failure.kind.as_str(), step))
                .or_default() += 1;
        }
        self.check_duration.add(sample.took);
        for result in &report.steps {
            let Some(command) = command(result.step) else {
                continue;
            };
            let broken = report.broken().filter(|f| f.step == Some(result.step));
            let broken = broken.filter(|_| result.status == Status::Fail);
            let code = broken.map(|f| f.evidence.get("redis.code").unwrap_or(f.kind.as_str()));
            let mut key = (command, code.unwrap_or_default().to_owned());
            // Whoever answers in the cache's place can make codes up.
            if self.operations.len() >= MOST && !self.operations.contains_key(&key) {
                key.1 = OTHER.to_owned();
            }
            self.operations.entry(key).or_default().add(result.duration);
        }
        self.usable = Some((report.failure.is_none(), sample.at));
        if let Some(auth) = &report.auth {
            self.credential_expires = auth.expires_at;
        }
        self.certificate_expires = report.certificate_end().or(self.certificate_expires);
        self.last_check = Some(report.time);
    }

    /// What is exported now. With `delta` the counting begins anew.
    pub fn export(&mut self, target: &Target, now: Now, delta: bool) -> Vec<Metric> {
        let metrics = self.metrics(target, now, delta);
        if delta {
            *self = Self {
                usable: self.usable,
                credential_expires: self.credential_expires,
                certificate_expires: self.certificate_expires,
                last_check: self.last_check,
                ..Self::since(now.wall, self.stale_after)
            };
        }
        metrics
    }

    fn metrics(&self, target: &Target, now: Now, delta: bool) -> Vec<Metric> {
        let frame = Frame {
            since: nanos(self.since),
            now: nanos(now.wall),
            temporality: match delta {
                true => Temporality::Delta,
                false => Temporality::Cumulative,
            },
        };
        let counted = [self.checks(&frame), self.failures(&frame)];
        let whole = [(Vec::new(), &self.check_duration)];
        let durations = [
            frame.histogram("cache_health.check.duration", "What a check took", whole),
            self.operations(&frame, target),
        ];
        let all = counted
            .into_iter()
            .chain(durations)
            .chain(self.gauges(&frame, now.clock));
        all.flatten().collect()
    }

    fn checks(&self, frame: &Frame) -> Option<Metric> {
        let point = |(status, count): (&&str, &u64)| {
            (vec![attribute("cache_health.status", *status)], *count)
        };
        let points = self.checks.iter().map(point);
        let description = "Checks in the background";
        frame.sum("cache_health.checks", description, "{check}", points)
    }

    fn failures(&self, frame: &Frame) -> Option<Metric> {
        let points = self.failures.iter().map(|((kind, step), count)| {
            let attributes = vec![
                attribute("error.type", *kind),
                attribute("cache_health.step", *step),
            ];
            (attributes, *count)
        });
        let description = "Checks that failed";
        frame.sum("cache_health.failures", description, "{check}", points)
    }

    /// As OpenTelemetry's conventions for database clients have it.
    fn operations(&self, frame: &Frame, target: &Target) -> Option<Metric> {
        let points = self.operations.iter().map(|((command, code), durations)| {
            let mut attributes = vec![
                attribute("db.system.name", "redis"),
                attribute("db.operation.name", *command),
                attribute("server.address", target.host.as_str()),
                attribute("server.port", i64::from(target.port)),
            ];
            if !code.is_empty() {
                attributes.push(attribute("error.type", code.as_str()));
            }
            (attributes, durations)
        });
        let description = "Duration of database client operations.";
        frame.histogram("db.client.operation.duration", description, points)
    }

    fn gauges(&self, frame: &Frame, clock: Duration) -> [Option<Metric>; 4] {
        let up = self.usable.map(|(usable, at)| {
            let counts = clock.saturating_sub(at) <= self.stale_after;
            f64::from(u8::from(usable && counts))
        });
        let time = |name: &str, description: &str, seconds: Option<i64>| {
            frame.gauge(
                name,
                description,
                "s",
                seconds.map(|seconds| seconds as f64),
            )
        };
        let credential = "When the credential ends, since 1970";
        let certificate = "When the certificate ends, since 1970";
        let last = "When the last check ended, since 1970";
        [
            frame.gauge("cache_health.up", "Whether the cache can be used", "1", up),
            time(
                "cache_health.credential.expiry",
                credential,
                self.credential_expires,
            ),
            time(
                "cache_health.certificate.expiry",
                certificate,
                self.certificate_expires,
            ),
            time("cache_health.last_check", last, self.last_check),
        ]
    }
}

/// What all points of an export have.
struct Frame {
    since: u64,
    now: u64,
    temporality: Temporality,
}

impl Frame {
    fn sum(
        &self,
        name: &str,
        description: &str,
        unit: &str,
        points: impl IntoIterator<Item = (Vec<KeyValue>, u64)>,
    ) -> Option<Metric> {
        let point = |(attributes, count)| {
            self.number(
                attributes,
                Number::Int(i64::try_from(count).unwrap_or(i64::MAX)),
            )
        };
        let data_points: Vec<NumberPoint> = points.into_iter().map(point).collect();
        (!data_points.is_empty()).then(|| {
            let sum = Sum {
                data_points,
                aggregation_temporality: self.temporality.into(),
                is_monotonic: true,
            };
            metric(name, description, unit, Data::Sum(sum))
        })
    }

    fn gauge(
        &self,
        name: &str,
        description: &str,
        unit: &str,
        value: Option<f64>,
    ) -> Option<Metric> {
        let point = self.number(Vec::new(), Number::Double(value?));
        let gauge = Gauge {
            data_points: vec![point],
        };
        Some(metric(name, description, unit, Data::Gauge(gauge)))
    }

    fn histogram<'a>(
        &self,
        name: &str,
        description: &str,
        points: impl IntoIterator<Item = (Vec<KeyValue>, &'a Durations)>,
    ) -> Option<Metric> {
        let point = |(attributes, durations): (_, &Durations)| HistogramPoint {
            attributes,
            start_time_unix_nano: self.since,
            time_unix_nano: self.now,
            count: durations.counts.iter().sum(),
            sum: Some(durations.sum),
            bucket_counts: durations.counts.to_vec(),
            explicit_bounds: BOUNDS.to_vec(),
        };
        let points = points.into_iter().map(point);
        let data_points: Vec<HistogramPoint> = points.filter(|point| point.count > 0).collect();
        (!data_points.is_empty()).then(|| {
            let histogram = Histogram {
                data_points,
                aggregation_temporality: self.temporality.into(),
            };
            metric(name, description, "s", Data::Histogram(histogram))
        })
    }

    fn number(&self, attributes: Vec<KeyValue>, value: Number) -> NumberPoint {
        NumberPoint {
            attributes,
            start_time_unix_nano: self.since,
            time_unix_nano: self.now,
            value: Some(value),
        }
    }
}

fn metric(name: &str, description: &str, unit: &str, data: Data) -> Metric {
    Metric {
        name: name.to_owned(),
        description: description.to_owned(),
        unit: unit.to_owned(),
        data: Some(data),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock, verdict};
    use cache_health_report::{Failure, Kind, Step, StepResult};

    const TARGET: fn() -> Target = || Target {
        host: "shop.example".to_owned(),
        port: 6380,
        stable_attributes_only: false,
    };

    fn sample(failing: bool) -> Sample {
        let mut report = verdict::failure(&Failure::of(Kind::OutOfMemory));
        if !failing {
            report.failure = None;
            report.status = Status::Pass;
        }
        report.steps = vec![StepResult {
            step: Step::Get,
            status: Status::Pass,
            duration: Duration::from_millis(3),
        }];
        Sample::new(report, clock::now())
    }

    const STALE: Duration = Duration::from_secs(30);

    fn now(seconds: u64) -> Now {
        Now {
            wall: Duration::from_secs(seconds),
            clock: clock::now(),
        }
    }

    fn up(metrics: &[Metric]) -> Option<f64> {
        let metric = metrics
            .iter()
            .find(|metric| metric.name == "cache_health.up")?;
        let Data::Gauge(gauge) = metric.data.as_ref()? else {
            return None;
        };
        match gauge.data_points.first()?.value {
            Some(Number::Double(up)) => Some(up),
            _ => None,
        }
    }

    #[test]
    fn a_sample_that_is_too_old_says_that_the_cache_can_be_used_no_more() {
        let mut points = Points::since(Duration::ZERO, STALE);
        let sample = sample(false);
        points.add(&sample);
        let mut at = |clock| {
            let now = Now { clock, ..now(1) };
            up(&points.export(&TARGET(), now, false))
        };
        assert_eq!(at(sample.at + STALE), Some(1.0));
        assert_eq!(at(sample.at + STALE + Duration::from_nanos(1)), Some(0.0));
    }

    fn counted(metrics: &[Metric], name: &str) -> Option<u64> {
        let metric = metrics.iter().find(|metric| metric.name == name)?;
        match metric.data.as_ref()? {
            Data::Sum(sum) => {
                let count = |point: &NumberPoint| match point.value {
                    Some(Number::Int(count)) => u64::try_from(count).unwrap_or_default(),
                    _ => 0,
                };
                Some(sum.data_points.iter().map(count).sum())
            }
            Data::Histogram(histogram) => Some(histogram.data_points.iter().map(|p| p.count).sum()),
            Data::Gauge(_) => None,
        }
    }

    #[test]
    fn cumulative_numbers_go_on_and_deltas_begin_anew() {
        for (delta, second) in [(false, Some(3)), (true, Some(1))] {
            let mut points = Points::since(Duration::from_secs(1), STALE);
            points.add(&sample(false));
            points.add(&sample(true));
            let first = points.export(&TARGET(), now(2), delta);
            assert_eq!(counted(&first, "cache_health.checks"), Some(2));
            assert_eq!(counted(&first, "cache_health.failures"), Some(1));
            assert_eq!(counted(&first, "db.client.operation.duration"), Some(2));
            points.add(&sample(false));
            let next = points.export(&TARGET(), now(3), delta);
            assert_eq!(counted(&next, "cache_health.checks"), second, "{delta}");
        }
    }

    #[test]
    fn a_cache_that_makes_codes_up_fills_no_memory() {
        let mut points = Points::since(Duration::ZERO, STALE);
        for number in 0..1000 {
            let failure =
                Failure::of(Kind::ServerError).with("redis.code", format!("CODE{number}"));
            let mut report = verdict::failure(&failure);
            if let Some(finding) = &mut report.failure {
                finding.step = Some(Step::Set);
                finding.evidence = failure.evidence;
            }
            report.steps = vec![StepResult {
                step: Step::Set,
                status: Status::Fail,
                duration: Duration::ZERO,
            }];
            points.add(&Sample::new(report, clock::now()));
        }
        assert_eq!(points.operations.len(), MOST + 1);
        assert!(points.operations.contains_key(&("SET", OTHER.to_owned())));
    }

    #[test]
    fn a_duration_on_a_bound_is_below_it() {
        let mut durations = Durations::default();
        for millis in [1, 5, 6, 20_000] {
            durations.add(Duration::from_millis(millis));
        }
        assert_eq!(durations.counts, [1, 1, 1, 0, 0, 0, 0, 0, 0, 1]);
    }

    #[test]
    fn what_is_not_known_is_not_said() {
        let mut points = Points::since(Duration::ZERO, STALE);
        assert!(points.export(&TARGET(), now(0), true).is_empty());
    }
}
