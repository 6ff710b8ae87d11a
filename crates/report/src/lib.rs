//! The words a verdict is made of.
//!
//! The health component judges in these words, the HTTP front renders them, the standalone host and
//! `cargo xtask` read them back: one vocabulary, written once. The JSON form (feature `json`) is
//! `application/health+json` (draft-inadarei-api-health-check-06) with our own members.

pub mod evidence;
#[cfg(feature = "json")]
pub mod history;
#[cfg(feature = "json")]
mod json;
mod kind;
#[cfg(feature = "json")]
pub mod probe;
mod readiness;
mod step;
mod text;
mod wit;

pub use evidence::Evidence;
#[cfg(feature = "json")]
pub use json::{
    Document, FindingDocument, MEDIA_TYPE, StepDocument, View, milliseconds, rfc3339, unix_seconds,
};
pub use kind::Kind;
pub use readiness::ReadinessPolicy;
pub use step::Step;
pub use text::fill;

use std::time::Duration;

/// The verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "json", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "json", serde(rename_all = "kebab-case"))]
pub enum Status {
    /// The value written was read back, with nothing to remark.
    Pass,
    /// It was read back, but something will need attention.
    Warn,
    /// The cache cannot be used.
    Fail,
}

impl Status {
    /// Its name in JSON and in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// Why something could not be done, as capabilities say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What it is.
    pub kind: Kind,
    /// What was seen before it failed.
    pub evidence: Evidence,
}

impl Failure {
    /// A failure of this kind, with nothing seen.
    pub fn of(kind: Kind) -> Self {
        Self {
            kind,
            evidence: Evidence::new(),
        }
    }

    /// The same with a value.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl AsRef<str>) -> Self {
        self.evidence.set(name, value);
        self
    }
}

/// One thing that is wrong, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub kind: Kind,
    /// Where it was found; none when no step was reached.
    pub step: Option<Step>,
    /// One sentence for people, with `$REDIS_HOST` and the like in place of values.
    pub output: String,
    /// What to do about it, in Azure's terms, in the same way.
    pub remedy: String,
    /// What was seen.
    pub evidence: Evidence,
}

/// How a connection was authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "json", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "json", serde(rename_all = "kebab-case"))]
pub enum AuthMethod {
    /// A Microsoft Entra token.
    Entra,
    /// An access key.
    AccessKey,
}

impl AuthMethod {
    /// The method of this name.
    pub fn of(name: &str) -> Option<Self> {
        [Self::Entra, Self::AccessKey]
            .into_iter()
            .find(|method| method.as_str() == name)
    }

    /// Its name in reports and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Entra => "entra",
            Self::AccessKey => "access-key",
        }
    }
}

impl FallbackReason {
    /// Its name in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotConfigured => NOT_CONFIGURED,
            Self::Failed(kind) => kind.as_str(),
        }
    }

    /// The reason of this name.
    pub fn of(name: &str) -> Self {
        match name {
            NOT_CONFIGURED => Self::NotConfigured,
            kind => Self::Failed(Kind::of(kind)),
        }
    }
}

const NOT_CONFIGURED: &str = "not-configured";

/// Why a less preferred credential was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FallbackReason {
    /// No Microsoft Entra identity is configured.
    NotConfigured,
    /// The more preferred credential failed, with this.
    Failed(Kind),
}

/// The credential that was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Auth {
    /// Its method.
    pub method: AuthMethod,
    /// Where it comes from: `managed-identity`, `workload-identity`, `primary`, `secondary`.
    pub label: String,
    /// Whose it is: an object id for Entra.
    pub principal: Option<String>,
    /// When it ends, in seconds since 1970-01-01T00:00:00Z.
    pub expires_at: Option<i64>,
    /// Why it was used in place of a more preferred one.
    pub fallback_reason: Option<FallbackReason>,
}

/// Evidence of TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The protocol version, `TLSv1.3` or `TLSv1.2`.
    pub protocol: String,
    /// The cipher suite by its IANA name.
    pub cipher: String,
    /// The issuer in the server's certificate (RFC 4514).
    pub issuer: String,
    /// The names the server's certificate is for.
    pub names: Vec<String>,
    /// When it ends, in seconds since 1970-01-01T00:00:00Z.
    pub not_after: i64,
    /// Whether chain and host name were verified.
    pub verified: bool,
}

/// How one step went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepResult {
    /// The step.
    pub step: Step,
    /// [`Status::Pass`], or [`Status::Fail`] for a step that failed.
    pub status: Status,
    /// How long it took.
    pub duration: Duration,
}

/// The result of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The verdict.
    pub status: Status,
    /// When the check ended, in seconds since 1970-01-01T00:00:00Z.
    pub time: i64,
    /// How long ago that was when the report was handed out.
    pub age: Duration,
    /// The verdict in one sentence.
    pub output: String,
    /// What is broken; present exactly when the verdict is [`Status::Fail`].
    pub failure: Option<Finding>,
    /// What needs attention.
    pub warnings: Vec<Finding>,
    /// The credential that was used last.
    pub auth: Option<Auth>,
    /// Evidence of TLS, where there is any.
    pub tls: Option<Tls>,
    /// The steps in the order they were taken.
    pub steps: Vec<StepResult>,
    /// What was seen of the check as a whole.
    pub evidence: Evidence,
}

impl Report {
    /// A report that says only that something is broken, with nothing tried: for a configuration error, a stale
    /// sample, or a fault of the host's own. `time` is in seconds since 1970-01-01T00:00:00Z.
    pub fn failure(finding: Finding, time: i64) -> Self {
        Self {
            status: Status::Fail,
            time,
            age: Duration::ZERO,
            output: finding.output.clone(),
            failure: Some(finding),
            warnings: Vec::new(),
            auth: None,
            tls: None,
            steps: Vec::new(),
            evidence: Evidence::new(),
        }
    }
}
