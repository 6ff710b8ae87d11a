//! The JSON form of a report. Its members are contract: scripts and dashboards read them.

use crate::{Auth, AuthMethod, Evidence, Finding, Kind, Report, Status, Step, Tls, fill};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

/// The media type of [`Document`].
pub const MEDIA_TYPE: &str = "application/health+json";

/// The documentation of this version, with a section on each kind.
const REFERENCE: &str = concat!(
    env!("CARGO_PKG_REPOSITORY"),
    "/blob/v",
    env!("CARGO_PKG_VERSION"),
    "/docs/reference/failures.md"
);

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// Anybody: cause and cure, without a value of this deployment.
    Public,
    /// Whoever may see the details.
    Details,
}

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
    pub failure: Option<FindingDocument>,
    /// What needs attention.
    pub warnings: Vec<FindingDocument>,
    /// The credential that was used last.
    pub auth: Option<AuthDocument>,
    /// Evidence of TLS.
    pub tls: Option<TlsDocument>,
    /// The steps: each name with its results, as often as it was tried.
    pub checks: BTreeMap<Step, Vec<StepDocument>>,
    /// What was seen of the check as a whole; null in the public view.
    pub evidence: Option<Evidence>,
}

/// A finding as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FindingDocument {
    /// What it is.
    pub kind: Kind,
    /// Where it was found; null when no step was reached.
    pub step: Option<Step>,
    /// One sentence for people.
    pub output: String,
    /// What to do about it, in Azure's terms.
    pub remedy: String,
    /// The first word of Redis' error reply, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The section on this kind in the documentation of this version.
    pub reference: String,
    /// What was seen; null in the public view.
    pub evidence: Option<Evidence>,
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
    /// Whose it is; null in the public view.
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
    /// The issuer in the server's certificate; null in the public view.
    pub issuer: Option<String>,
    /// The names the server's certificate is for; null in the public view.
    pub names: Option<Vec<String>>,
    /// When it ends, RFC 3339.
    pub not_after: String,
    /// Whether chain and host name were verified.
    pub verified: bool,
}

impl Document {
    /// A report as JSON, in the view of whoever asks.
    pub fn of(report: Report, view: View) -> Self {
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
        let first = report.failure.as_ref().or(report.warnings.first());
        let about = first.map(|finding| &finding.evidence);
        let nothing = Evidence::new();
        let output = view.text(&report.output, about.unwrap_or(&nothing), &report.evidence);
        let finding = |finding| FindingDocument::of(finding, &report.evidence, view);
        Self {
            status: report.status,
            time,
            age_seconds: (report.age.as_secs_f64() * 1000.0).round() / 1000.0,
            output,
            failure: report.failure.map(finding),
            warnings: report.warnings.into_iter().map(finding).collect(),
            auth: report.auth.map(|auth| AuthDocument::of(auth, view)),
            tls: report.tls.map(|tls| TlsDocument::of(tls, view)),
            checks,
            evidence: view.details(report.evidence),
        }
    }

    /// What is broken, by its kind.
    pub fn failure_kind(&self) -> Option<Kind> {
        self.failure.as_ref().map(|finding| finding.kind)
    }
}

impl FindingDocument {
    pub(crate) fn of(finding: Finding, report: &Evidence, view: View) -> Self {
        Self {
            kind: finding.kind,
            step: finding.step,
            output: view.text(&finding.output, &finding.evidence, report),
            remedy: view.text(&finding.remedy, &finding.evidence, report),
            code: finding.evidence.get("redis.code").map(str::to_owned),
            reference: format!("{REFERENCE}#{}", finding.kind),
            evidence: view.details(finding.evidence),
        }
    }
}

impl View {
    /// A value of this deployment.
    fn details<T>(self, value: T) -> Option<T> {
        match self {
            Self::Public => None,
            Self::Details => Some(value),
        }
    }

    /// A text with its values, or without.
    fn text(self, text: &str, first: &Evidence, second: &Evidence) -> String {
        match self {
            Self::Public => text.to_owned(),
            Self::Details => fill(text, first, second),
        }
    }
}

impl AuthDocument {
    fn of(auth: Auth, view: View) -> Self {
        Self {
            method: auth.method,
            label: auth.label,
            principal: auth.principal.and_then(|principal| view.details(principal)),
            expires_at: auth.expires_at.map(rfc3339),
            fallback_reason: auth
                .fallback_reason
                .map(|reason| reason.as_str().to_owned()),
        }
    }
}

impl TlsDocument {
    fn of(tls: Tls, view: View) -> Self {
        Self {
            protocol: tls.protocol,
            cipher: tls.cipher,
            issuer: view.details(tls.issuer),
            names: view.details(tls.names),
            not_after: rfc3339(tls.not_after),
            verified: tls.verified,
        }
    }
}

/// The last second of the year 9999: RFC 3339 has four digits for the year.
const LAST_SECOND: u64 = 253_402_300_799;

/// Seconds since 1970-01-01T00:00:00Z as RFC 3339.
pub fn rfc3339(seconds: i64) -> String {
    let seconds = u64::try_from(seconds).unwrap_or(0).min(LAST_SECOND);
    humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(seconds)).to_string()
}

/// The same back; none for what is no such time.
pub fn unix_seconds(rfc3339: &str) -> Option<i64> {
    let time = humantime::parse_rfc3339(rfc3339).ok()?;
    let since = time.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok()
}

/// Milliseconds to the microsecond: finer is noise.
pub fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1_000_000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FallbackReason, StepResult};

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
            evidence: Evidence::of("redis.host", "c"),
        };
        let json = serde_json::to_value(Document::of(report, View::Details)).expect("JSON");
        assert_eq!(
            json,
            serde_json::json!({
                "status": "warn", "time": "2026-11-25T09:00:00Z", "ageSeconds": 1.5,
                "output": "fine", "failure": null, "warnings": [],
                "auth": { "method": "access-key", "label": "primary", "principal": null,
                          "expiresAt": null, "fallbackReason": "not-configured" },
                "tls": null,
                "checks": { "redis:dns": [ { "status": "pass", "observedValue": 0.204,
                            "observedUnit": "ms", "time": "2026-11-25T09:00:00Z" } ] },
                "evidence": { "redis.host": "c" }
            })
        );
    }

    #[test]
    fn the_public_view_has_cause_and_cure_and_no_value_of_the_deployment() {
        let finding = Finding {
            kind: Kind::ServerError,
            step: Some(Step::Set),
            output: "$REDIS_HOST:$REDIS_PORT answered".into(),
            remedy: "az redis show --name $REDIS_NAME".into(),
            evidence: Evidence::of("redis.code", "MISCONF").with("addresses", "10.9.8.7"),
        };
        let mut report = Report::failure(finding, 0);
        report.evidence = Evidence::of("redis.host", "s3cret.example").with("redis.name", "s3cret");
        report.auth = Some(Auth {
            method: AuthMethod::Entra,
            label: "managed-identity".into(),
            principal: Some("s3cret-id".into()),
            expires_at: Some(0),
            fallback_reason: None,
        });
        report.tls = Some(Tls {
            protocol: "TLSv1.3".into(),
            cipher: "c".into(),
            issuer: "CN=s3cret".into(),
            names: vec!["s3cret".into()],
            not_after: 0,
            verified: true,
        });
        let public = Document::of(report.clone(), View::Public);
        let text = serde_json::to_string(&public).expect("JSON");
        for value in ["s3cret", "10.9.8.7"] {
            assert!(!text.contains(value), "{text}");
        }
        for public in [
            "$REDIS_HOST:$REDIS_PORT answered",
            "--name $REDIS_NAME",
            "MISCONF",
        ] {
            assert!(text.contains(public), "{text}");
        }
        let details = Document::of(report, View::Details);
        let text = serde_json::to_string(&details).expect("JSON");
        for value in [
            "s3cret.example:$REDIS_PORT answered",
            "--name s3cret",
            "10.9.8.7",
            "s3cret-id",
        ] {
            assert!(text.contains(value), "{value} in {text}");
        }
    }

    #[test]
    fn dates_beyond_the_calendar_are_written_at_its_end() {
        assert_eq!(rfc3339(i64::MAX), "9999-12-31T23:59:59Z");
        assert_eq!(rfc3339(-1), "1970-01-01T00:00:00Z");
        assert_eq!(unix_seconds(&rfc3339(1_795_597_200)), Some(1_795_597_200));
        assert_eq!(unix_seconds("yesterday"), None);
    }

    #[test]
    fn every_kind_has_a_section_that_its_reference_leads_to() {
        let page = include_str!("../../../docs/reference/failures.md");
        for kind in Kind::ALL {
            assert!(page.contains(&format!("\n## {kind}\n")), "{kind}");
        }
        assert!(REFERENCE.ends_with("docs/reference/failures.md"));
    }

    #[test]
    fn the_document_in_the_reference_is_one_that_is_rendered() {
        let page = include_str!("../../../docs/reference/report.md");
        let (_, rest) = page.split_once("```json\n").expect("a document");
        let (shown, _) = rest.split_once("```").expect("its end");
        let document: Document = serde_json::from_str(shown).expect("a document");
        let rendered = serde_json::to_value(&document).expect("JSON");
        let shown: serde_json::Value = serde_json::from_str(shown).expect("JSON");
        assert_eq!(rendered, shown);
    }
}
