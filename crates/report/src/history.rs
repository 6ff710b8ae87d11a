//! How it went: the JSON form of what a host remembers of its checks. Its members are contract.

use crate::{FindingDocument, Kind, Report, Status, View, milliseconds, rfc3339, unix_seconds};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What a host remembers, as JSON. Lists are in the order of time, oldest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HistoryDocument {
    /// The version of the program.
    pub version: String,
    /// The replica whose history it is; null in the public view and where the platform does not say.
    pub replica: Option<String>,
    /// Its revision, in the same way.
    pub revision: Option<String>,
    /// When the program started, RFC 3339.
    pub started: String,
    /// When this was written, RFC 3339.
    pub time: String,
    /// How far apart the checks are, in seconds.
    pub interval_seconds: f64,
    /// How many checks were made in the background.
    pub checks: u64,
    /// How many of them failed.
    pub failures: u64,
    /// How often the verdict changed.
    pub changes: u64,
    /// The verdict; null before the first.
    pub verdict: Option<CourseDocument>,
    /// Whether the cache can be used, over whatever connection.
    pub kept_connection: Option<CourseDocument>,
    /// Whether a new connection can be made; null before one was tried.
    pub new_connection: Option<CourseDocument>,
    /// How exports of telemetry went, by signal; empty where none is configured.
    #[serde(default)]
    pub exports: Vec<ExportsDocument>,
    /// The last results.
    pub results: Vec<ResultDocument>,
    /// The last failures, apart, so that successes cannot push them out. A new connection that could not be made beside
    /// one that works is among them.
    pub failed: Vec<FailedDocument>,
    /// The last day, a bucket for each minute in which a check ended.
    pub minutes: Vec<MinuteDocument>,
}

/// How exports of one signal went, as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportsDocument {
    /// `traces` or `metrics`.
    pub signal: String,
    /// How many exports the collector took.
    pub sent: u64,
    /// How many it did not.
    pub failed: u64,
    /// How many checks could not be queued.
    pub dropped: u64,
}

/// How something has been, and since when, as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CourseDocument {
    /// How it is.
    pub status: Status,
    /// When it became so, RFC 3339.
    pub since: String,
    /// What is wrong, by its kind.
    pub kind: Option<Kind>,
}

/// One result as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResultDocument {
    /// When the check ended, RFC 3339.
    pub time: String,
    /// The verdict.
    pub status: Status,
    /// Whether a new connection was made.
    pub new_connection: bool,
    /// How long the check took, in milliseconds.
    pub duration_ms: f64,
    /// What was wrong or needed attention, by its kinds.
    pub kinds: Vec<Kind>,
}

/// One failure as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FailedDocument {
    /// When the check ended, RFC 3339.
    pub time: String,
    /// The verdict: `fail`, or `warn` for a new connection that could not be made beside one that works.
    pub status: Status,
    /// How long the check took, in milliseconds.
    pub duration_ms: f64,
    /// What was broken.
    pub failure: FindingDocument,
}

/// The checks that ended in one minute, as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MinuteDocument {
    /// When the minute began, RFC 3339.
    pub time: String,
    /// How many passed.
    pub pass: u32,
    /// How many warned.
    pub warn: u32,
    /// How many failed.
    pub fail: u32,
    /// How long the longest took, in milliseconds.
    pub longest_ms: f64,
}

/// How something has been, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Course {
    /// How it is.
    pub status: Status,
    /// What is wrong.
    pub kind: Option<Kind>,
    /// When it became so, in seconds since 1970-01-01T00:00:00Z.
    pub since: i64,
}

impl Course {
    /// What comes after this: it goes on, or begins anew. Another cause does not begin it anew.
    pub fn next(before: Option<Self>, status: Status, kind: Option<Kind>, time: i64) -> Self {
        let goes_on = before.filter(|before| before.status == status);
        Self {
            status,
            kind,
            since: goes_on.map_or(time, |before| before.since),
        }
    }
}

impl From<Course> for CourseDocument {
    fn from(course: Course) -> Self {
        Self {
            status: course.status,
            since: rfc3339(course.since),
            kind: course.kind,
        }
    }
}

impl Report {
    /// Whether a new connection was made for it, or tried.
    pub fn tried_a_new_connection(&self) -> bool {
        self.steps.iter().any(|result| !result.step.is_a_command())
    }

    /// When the server's certificate ends, in seconds since 1970-01-01T00:00:00Z: of the one that was refused, where one was,
    /// since a certificate that has ended is the one to know of.
    pub fn certificate_end(&self) -> Option<i64> {
        let refused = self.broken().and_then(|f| f.evidence.get("tls.notAfter"));
        let refused = refused.and_then(unix_seconds);
        refused.or(self.tls.as_ref().map(|tls| tls.not_after))
    }

    /// What was broken: its failure, or why a new connection could not be made beside one that works.
    pub fn broken(&self) -> Option<&crate::Finding> {
        let beside = || self.warnings.iter().find(|w| !w.kind.only_warns());
        self.failure.as_ref().or_else(beside)
    }
}

impl ResultDocument {
    /// A report that took this long.
    pub fn of(report: &Report, took: Duration) -> Self {
        let findings = report.failure.iter().chain(&report.warnings);
        Self {
            time: rfc3339(report.time),
            status: report.status,
            new_connection: report.tried_a_new_connection(),
            duration_ms: milliseconds(took),
            kinds: findings.map(|finding| finding.kind).collect(),
        }
    }
}

impl FailedDocument {
    /// A report that took this long; none where nothing was broken.
    pub fn of(report: &Report, took: Duration, view: View) -> Option<Self> {
        Some(Self {
            time: rfc3339(report.time),
            status: report.status,
            duration_ms: milliseconds(took),
            failure: FindingDocument::of(report.broken()?.clone(), &report.evidence, view),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Evidence, Failure, Finding, Step, StepResult};

    #[test]
    fn a_course_goes_on_until_its_status_changes() {
        let first = Course::next(None, Status::Fail, Some(Kind::Connect), 10);
        let second = Course::next(Some(first), Status::Fail, Some(Kind::Timeout), 20);
        assert_eq!((second.since, second.kind), (10, Some(Kind::Timeout)));
        let third = Course::next(Some(second), Status::Pass, None, 30);
        assert_eq!((third.since, third.kind), (30, None));
    }

    fn report(steps: &[Step], warning: Option<Kind>) -> Report {
        let finding = |kind| Finding {
            kind,
            step: None,
            output: "$REDIS_HOST".into(),
            remedy: String::new(),
            evidence: Failure::of(kind).evidence,
        };
        let mut report = Report::failure(finding(Kind::Internal), 0);
        report.failure = None;
        report.status = Status::Pass;
        report.warnings = warning.map(finding).into_iter().collect();
        let step = |step: &Step| StepResult {
            step: *step,
            status: Status::Pass,
            duration: Duration::ZERO,
        };
        report.steps = steps.iter().map(step).collect();
        report.evidence = Evidence::of("redis.host", "shop.example");
        report
    }

    #[test]
    fn a_new_connection_that_fails_beside_one_that_works_is_broken_and_a_fallback_is_not() {
        let took = Duration::from_millis(3);
        let fallback = report(&[Step::Set, Step::Get], Some(Kind::Fallback));
        assert!(FailedDocument::of(&fallback, took, View::Public).is_none());
        assert!(!fallback.tried_a_new_connection());
        let refused = report(
            &[Step::Set, Step::Get, Step::Auth],
            Some(Kind::AuthRejected),
        );
        assert!(refused.tried_a_new_connection());
        let failed = |view| FailedDocument::of(&refused, took, view).expect("broken");
        assert_eq!(failed(View::Public).failure.output, "$REDIS_HOST");
        assert_eq!(failed(View::Details).failure.output, "shop.example");
        assert_eq!(ResultDocument::of(&refused, took).duration_ms, 3.0);
    }
}
