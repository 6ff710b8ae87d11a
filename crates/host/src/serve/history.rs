//! What is remembered of the samples: the last results, the last failures apart from them, a day in minutes, and what
//! the next heartbeat says. Pure. Only samples of the background are in it: no caller can push the evidence out.

use crate::sample::Sample;
use crate::spread::Spread;
use cache_health_report::history::{
    Course, ExportsDocument, FailedDocument, HistoryDocument, MinuteDocument, ResultDocument,
};
use cache_health_report::{AuthMethod, Status, View, milliseconds, rfc3339};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// How many results are kept, and how many failures.
const KEPT: usize = 100;
/// How many minutes are kept.
const MINUTES: usize = 24 * 60;
/// How many durations the median of a heartbeat is of, at most.
const DURATIONS: usize = 4096;

/// What is remembered.
#[derive(Debug, Default)]
pub struct History {
    /// How many samples there were.
    pub checks: u64,
    /// How many of them failed.
    pub failures: u64,
    /// How often the verdict changed.
    pub changes: u64,
    /// The verdict.
    pub verdict: Option<Course>,
    /// Whether the cache can be used, over whatever connection.
    kept_connection: Option<Course>,
    /// Whether a new connection can be made.
    new_connection: Option<Course>,
    results: VecDeque<Arc<Sample>>,
    failed: VecDeque<Arc<Sample>>,
    minutes: VecDeque<Minute>,
    /// What came after the last heartbeat.
    beat: Beat,
}

/// The samples that ended in one minute.
#[derive(Debug)]
struct Minute {
    /// By [`crate::clock::now`]: the wall clock may be set while it is counted, a day ahead and back again.
    number: u64,
    counts: [u32; 3],
    longest: Duration,
}

/// The samples since the last heartbeat.
#[derive(Debug, Default)]
pub struct Beat {
    /// How many there were.
    pub checks: u64,
    /// How many of them failed.
    pub failures: u64,
    /// How often the verdict changed.
    pub changes: u64,
    durations: VecDeque<Duration>,
    /// With which credential.
    pub method: Option<AuthMethod>,
    /// When the credential ends, in seconds since 1970-01-01T00:00:00Z. The last that was known.
    pub credential_expires: Option<i64>,
    /// When the certificate ends, in the same way.
    pub certificate_expires: Option<i64>,
}

/// What does not change while a program runs.
pub struct Frame<'a> {
    /// The version of the program.
    pub version: &'a str,
    /// The replica.
    pub replica: &'a str,
    /// Its revision.
    pub revision: &'a str,
    /// When the program started, in seconds since 1970-01-01T00:00:00Z.
    pub started: i64,
    /// Now, in the same way.
    pub now: i64,
    /// Now, by [`crate::clock::now`].
    pub clock: Duration,
    /// How far apart the samples are.
    pub interval: Duration,
    /// How exports of telemetry went.
    pub exports: Vec<ExportsDocument>,
}

impl History {
    /// Takes a sample in. Says whether the verdict changed.
    pub fn push(&mut self, sample: &Arc<Sample>) -> bool {
        let report = &sample.report;
        let failure = report.failure.as_ref().map(|finding| finding.kind);
        let failed = failure.is_some();
        let changed = self.verdict.map(|before| before.status) != Some(report.status);
        self.verdict = Some(Course::next(
            self.verdict,
            report.status,
            failure,
            report.time,
        ));
        let works = if failed { Status::Fail } else { Status::Pass };
        let kept = Course::next(self.kept_connection, works, failure, report.time);
        self.kept_connection = Some(kept);
        if report.tried_a_new_connection() {
            let broken = report.broken().map(|finding| finding.kind);
            let works = broken.map_or(Status::Pass, |_| Status::Fail);
            let new = Course::next(self.new_connection, works, broken, report.time);
            self.new_connection = Some(new);
        }
        self.checks += 1;
        self.failures += u64::from(failed);
        self.changes += u64::from(changed);
        self.beat.push(sample, failed, changed);
        self.count_minute(sample);
        keep(&mut self.results, KEPT, Arc::clone(sample));
        if report.broken().is_some() {
            keep(&mut self.failed, KEPT, Arc::clone(sample));
        }
        changed
    }

    fn count_minute(&mut self, sample: &Sample) {
        let number = minute_of(sample.at);
        if self.minutes.back().is_none_or(|last| last.number < number) {
            let minute = Minute {
                number,
                counts: [0; 3],
                longest: Duration::ZERO,
            };
            keep(&mut self.minutes, MINUTES, minute);
        }
        if let Some(minute) = self.minutes.back_mut() {
            let count = &mut minute.counts[sample.report.status as usize];
            *count = count.saturating_add(1);
            minute.longest = minute.longest.max(sample.took);
        }
    }

    /// What a heartbeat says; the next one begins anew.
    pub fn beat(&mut self) -> Beat {
        let next = Beat {
            method: self.beat.method,
            credential_expires: self.beat.credential_expires,
            certificate_expires: self.beat.certificate_expires,
            ..Beat::default()
        };
        std::mem::replace(&mut self.beat, next)
    }

    /// As JSON, in the view of whoever asks.
    pub fn document(&self, frame: &Frame<'_>, view: View) -> HistoryDocument {
        let now = minute_of(frame.clock);
        let value = |text: &str| {
            let shown = view == View::Details && !text.is_empty();
            shown.then(|| text.to_owned())
        };
        HistoryDocument {
            version: frame.version.to_owned(),
            replica: value(frame.replica),
            revision: value(frame.revision),
            started: rfc3339(frame.started),
            time: rfc3339(frame.now),
            interval_seconds: frame.interval.as_secs_f64(),
            checks: self.checks,
            failures: self.failures,
            changes: self.changes,
            verdict: self.verdict.map(Into::into),
            kept_connection: self.kept_connection.map(Into::into),
            new_connection: self.new_connection.map(Into::into),
            exports: frame.exports.clone(),
            results: self
                .results
                .iter()
                .map(|sample| ResultDocument::of(&sample.report, sample.took))
                .collect(),
            failed: self
                .failed
                .iter()
                .filter_map(|sample| FailedDocument::of(&sample.report, sample.took, view))
                .collect(),
            minutes: self
                .minutes
                .iter()
                .filter(|minute| minute.number + MINUTES as u64 > now)
                .map(|minute| minute.document(frame))
                .collect(),
        }
    }
}

impl Minute {
    fn document(&self, frame: &Frame<'_>) -> MinuteDocument {
        let [pass, warn, fail] = self.counts;
        let ago = frame
            .clock
            .saturating_sub(Duration::from_secs(self.number * 60));
        let began = frame.now - i64::try_from(ago.as_secs()).unwrap_or(i64::MAX);
        MinuteDocument {
            time: rfc3339(began.div_euclid(60) * 60),
            pass,
            warn,
            fail,
            longest_ms: milliseconds(self.longest),
        }
    }
}

impl Beat {
    fn push(&mut self, sample: &Sample, failed: bool, changed: bool) {
        self.checks += 1;
        self.failures += u64::from(failed);
        self.changes += u64::from(changed);
        keep(&mut self.durations, DURATIONS, sample.took);
        if let Some(auth) = &sample.report.auth {
            self.method = Some(auth.method);
            self.credential_expires = auth.expires_at;
        }
        let end = sample.report.certificate_end();
        self.certificate_expires = end.or(self.certificate_expires);
    }

    /// What the samples took.
    pub fn spread(&self) -> Spread {
        Spread::of(self.durations.iter().copied().collect())
    }
}

fn minute_of(clock: Duration) -> u64 {
    clock.as_secs() / 60
}

fn keep<T>(queue: &mut VecDeque<T>, most: usize, item: T) {
    if queue.len() >= most {
        queue.pop_front();
    }
    queue.push_back(item);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock, verdict};
    use cache_health_report::{Failure, Kind, Step, StepResult};

    fn sample(time: i64, failure: Option<Kind>, warning: Option<Kind>, step: Step) -> Arc<Sample> {
        let mut report = verdict::failure(&Failure::of(failure.unwrap_or(Kind::Connect)));
        report.time = time;
        report.steps = vec![StepResult {
            step,
            status: Status::Pass,
            duration: Duration::ZERO,
        }];
        if failure.is_none() {
            report.failure = None;
            report.status = Status::Pass;
        }
        if let Some(kind) = warning {
            report.status = Status::Warn;
            report.warnings = verdict::failure(&Failure::of(kind))
                .failure
                .into_iter()
                .collect();
        }
        let mut sample = Sample::new(report, clock::now());
        sample.at = Duration::from_secs(time.unsigned_abs());
        Arc::new(sample)
    }

    const FRAME: Frame<'static> = Frame {
        version: "0",
        replica: "shop--1",
        revision: "shop",
        started: 0,
        now: 86_400 + 120,
        clock: Duration::from_secs(86_400 + 120),
        interval: Duration::from_secs(10),
        exports: Vec::new(),
    };

    #[test]
    fn successes_cannot_push_the_failures_out() {
        let mut history = History::default();
        history.push(&sample(0, Some(Kind::OutOfMemory), None, Step::Set));
        for time in 1..=500 {
            history.push(&sample(time, None, None, Step::Set));
        }
        let document = history.document(&FRAME, View::Public);
        assert_eq!(document.results.len(), KEPT);
        assert_eq!(document.failed.len(), 1);
        assert_eq!(document.failed[0].failure.kind, Kind::OutOfMemory);
        assert_eq!(
            (document.checks, document.failures, document.changes),
            (501, 1, 2)
        );
    }

    #[test]
    fn a_new_connection_that_fails_beside_one_that_works_is_told_apart() {
        let mut history = History::default();
        history.push(&sample(10, None, None, Step::Tls));
        history.push(&sample(20, None, Some(Kind::AuthRejected), Step::Auth));
        history.push(&sample(30, None, Some(Kind::AuthRejected), Step::Auth));
        history.push(&sample(40, None, None, Step::Set));
        let document = history.document(&FRAME, View::Details);
        let kept = document.kept_connection.expect("known");
        assert_eq!((kept.status, kept.kind), (Status::Pass, None));
        let new = document.new_connection.expect("known");
        assert_eq!(
            (new.status, new.kind),
            (Status::Fail, Some(Kind::AuthRejected))
        );
        assert_eq!(new.since, "1970-01-01T00:00:20Z");
        assert_eq!(document.failed.len(), 2);
        assert_eq!(document.replica.as_deref(), Some("shop--1"));
    }

    #[test]
    fn the_public_view_has_no_value_of_the_deployment() {
        let history = History::default();
        let document = history.document(&FRAME, View::Public);
        assert_eq!((document.replica, document.revision), (None, None));
    }

    #[test]
    fn a_day_is_kept_in_minutes() {
        let mut history = History::default();
        for time in [0, 59, 120, 121, 86_400] {
            let failure = (time == 121).then_some(Kind::Timeout);
            history.push(&sample(time, failure, None, Step::Set));
        }
        let document = history.document(&FRAME, View::Public);
        let minutes: Vec<_> = document
            .minutes
            .iter()
            .map(|minute| (minute.time.as_str(), minute.pass, minute.fail))
            .collect();
        // The first minute is more than a day ago; the clock says 00:02 of the next day.
        let third = ("1970-01-02T00:00:00Z", 1, 0);
        assert_eq!(minutes, [third]);
    }

    #[test]
    fn a_wall_clock_that_was_a_day_ahead_for_a_while_moves_no_minute() {
        let mut history = History::default();
        for (at, wall) in [(60, 60), (120, 86_400 * 400), (180, 180)] {
            let mut sample = Arc::into_inner(sample(wall, None, None, Step::Set)).expect("one");
            sample.at = Duration::from_secs(at);
            history.push(&Arc::new(sample));
        }
        let frame = Frame {
            now: 200,
            clock: Duration::from_secs(200),
            ..FRAME
        };
        let document = history.document(&frame, View::Public);
        let minutes: Vec<_> = document
            .minutes
            .iter()
            .map(|minute| &*minute.time)
            .collect();
        let each = ["00:01:00Z", "00:02:00Z", "00:03:00Z"];
        assert_eq!(minutes, each.map(|time| format!("1970-01-01T{time}")));
    }

    #[test]
    fn a_heartbeat_says_what_came_after_the_last() {
        let mut history = History::default();
        for failure in [None, Some(Kind::Timeout), None] {
            history.push(&sample(0, failure, None, Step::Set));
        }
        let beat = history.beat();
        assert_eq!((beat.checks, beat.failures, beat.changes), (3, 1, 3));
        let spread = beat.spread();
        assert!(spread.p50_ms <= spread.max_ms);
        let next = history.beat();
        assert_eq!((next.checks, next.failures, next.changes), (0, 0, 0));
        assert_eq!((next.spread().p50_ms, next.spread().max_ms), (0.0, 0.0));
    }
}
