//! The JSON form of a report. Its members are contract: scripts and dashboards read them.

use crate::{Auth, AuthMethod, FallbackReason, Finding, Kind, Report, Status, Step, Tls};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The media type of [`Document`].
pub const MEDIA_TYPE: &str = "application/health+json";

/// A report as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    /// The verdict.
    pub status: Status,
    /// When the check ended, RFC 3339.
    pub time: String,
    /// How long ago that was when the report was handed out, in seconds.
    pub age_seconds: f64,
    /// The verdict in one sentence.
    pub output: String,
    /// What is broken.
    pub failure: Option<Finding>,
    /// What needs attention.
    pub warnings: Vec<Finding>,
    /// The credential that was used last.
    pub auth: Option<AuthDocument>,
    /// Evidence of TLS.
    pub tls: Option<TlsDocument>,
    /// The steps: each name with its results, as often as it was tried.
    pub checks: BTreeMap<Step, Vec<StepDocument>>,
}

/// One result of a step as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepDocument {
    /// `pass`, or `fail` for a step that failed.
    pub status: Status,
    /// How long it took, in [`StepDocument::observed_unit`].
    pub observed_value: f64,
    /// Always `ms`.
    pub observed_unit: String,
    /// When the check ended, RFC 3339.
    pub time: String,
}

/// The credential as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthDocument {
    /// Its method.
    pub method: AuthMethod,
    /// Where it comes from.
    pub label: String,
    /// Whose it is.
    pub principal: Option<String>,
    /// When it ends, RFC 3339.
    pub expires_at: Option<String>,
    /// A kind, or `not-configured`.
    pub fallback_reason: Option<String>,
}

/// Evidence of TLS as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TlsDocument {
    /// The protocol version.
    pub protocol: String,
    /// The cipher suite.
    pub cipher: String,
    /// The issuer in the server's certificate.
    pub issuer: String,
    /// The names the server's certificate is for.
    pub names: Vec<String>,
    /// When it ends, RFC 3339.
    pub not_after: String,
    /// Whether chain and host name were verified.
    pub verified: bool,
}

impl Document {
    /// A document that says only that something is broken, with nothing tried: for a
    /// configuration error, a stale sample, or a fault of the host's own.
    pub fn failure(at: SystemTime, finding: Finding) -> Self {
        Self {
            status: Status::Fail,
            time: humantime::format_rfc3339_seconds(at).to_string(),
            age_seconds: 0.0,
            output: finding.output.clone(),
            failure: Some(finding),
            warnings: Vec::new(),
            auth: None,
            tls: None,
            checks: BTreeMap::new(),
        }
    }

    /// What is broken, by its kind.
    pub fn failure_kind(&self) -> Option<Kind> {
        self.failure.as_ref().map(|finding| finding.kind)
    }
}

impl From<Report> for Document {
    fn from(report: Report) -> Self {
        let time = rfc3339(report.time);
        let mut checks: BTreeMap<Step, Vec<StepDocument>> = BTreeMap::new();
        for step in report.steps {
            checks.entry(step.step).or_default().push(StepDocument {
                status: step.status,
                observed_value: milliseconds(step.duration),
                observed_unit: "ms".to_owned(),
                time: time.clone(),
            });
        }
        Self {
            status: report.status,
            time,
            age_seconds: (report.age.as_secs_f64() * 1000.0).round() / 1000.0,
            output: report.output,
            failure: report.failure,
            warnings: report.warnings,
            auth: report.auth.map(AuthDocument::from),
            tls: report.tls.map(TlsDocument::from),
            checks,
        }
    }
}

impl From<Auth> for AuthDocument {
    fn from(auth: Auth) -> Self {
        Self {
            method: auth.method,
            label: auth.label,
            principal: auth.principal,
            expires_at: auth.expires_at.map(rfc3339),
            fallback_reason: auth.fallback_reason.map(|reason| match reason {
                FallbackReason::NotConfigured => "not-configured".to_owned(),
                FallbackReason::Failed(kind) => kind.to_string(),
            }),
        }
    }
}

impl From<Tls> for TlsDocument {
    fn from(tls: Tls) -> Self {
        Self {
            protocol: tls.protocol,
            cipher: tls.cipher,
            issuer: tls.issuer,
            names: tls.names,
            not_after: rfc3339(tls.not_after),
            verified: tls.verified,
        }
    }
}

/// The last second that RFC 3339 can write, 9999-12-31T23:59:59Z. What comes from a certificate
/// or a token may claim any date at all.
const LAST_SECOND: u64 = 253_402_300_799;

fn rfc3339(seconds: i64) -> String {
    let seconds = u64::try_from(seconds).unwrap_or(0).min(LAST_SECOND);
    humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(seconds)).to_string()
}

/// Milliseconds to the microsecond: finer is noise.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1_000_000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StepResult;

    #[test]
    fn a_report_has_the_members_that_the_contract_names() {
        let report = Report {
            status: Status::Warn,
            time: 1_795_597_200,
            age: Duration::from_millis(1500),
            output: "fine".into(),
            failure: None,
            warnings: vec![],
            auth: Some(Auth {
                method: AuthMethod::AccessKey,
                label: "primary".into(),
                principal: None,
                expires_at: None,
                fallback_reason: Some(FallbackReason::NotConfigured),
            }),
            tls: None,
            steps: vec![StepResult {
                step: Step::Dns,
                status: Status::Pass,
                duration: Duration::from_micros(204),
            }],
        };
        let json = serde_json::to_value(Document::from(report)).expect("serialisable");
        assert_eq!(
            json,
            serde_json::json!({
                "status": "warn", "time": "2026-11-25T09:00:00Z", "ageSeconds": 1.5,
                "output": "fine", "failure": null, "warnings": [],
                "auth": { "method": "access-key", "label": "primary", "principal": null,
                          "expiresAt": null, "fallbackReason": "not-configured" },
                "tls": null,
                "checks": { "redis:dns": [ { "status": "pass", "observedValue": 0.204,
                            "observedUnit": "ms", "time": "2026-11-25T09:00:00Z" } ] }
            })
        );
    }

    #[test]
    fn dates_beyond_the_calendar_are_written_at_its_end() {
        assert_eq!(rfc3339(i64::MAX), "9999-12-31T23:59:59Z");
        assert_eq!(rfc3339(-1), "1970-01-01T00:00:00Z");
    }

    #[test]
    fn the_document_in_the_readme_is_one_that_is_rendered() {
        let readme = include_str!("../../../README.md");
        let (_, rest) = readme.split_once("```json\n").expect("a document");
        let (shown, _) = rest.split_once("```").expect("its end");
        let document: Document = serde_json::from_str(shown).expect("a document");
        let rendered = serde_json::to_value(&document).expect("JSON");
        let shown: serde_json::Value = serde_json::from_str(shown).expect("JSON");
        assert_eq!(rendered, shown);
    }
}
