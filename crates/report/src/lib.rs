//! The words a verdict is made of.
//!
//! The health component judges in these words, the HTTP front renders them, the own host and
//! `cargo xtask` read them back: one vocabulary, written once. The JSON form (feature `json`) is
//! `application/health+json` (draft-inadarei-api-health-check-06) with our own members.

#[cfg(feature = "json")]
mod json;
mod kind;
mod step;
mod wit;

#[cfg(feature = "json")]
pub use json::{Document, MEDIA_TYPE, StepDocument};
pub use kind::Kind;
pub use step::Step;

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

/// One thing that is wrong, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "json", derive(serde::Serialize, serde::Deserialize))]
pub struct Finding {
    /// What it is.
    pub kind: Kind,
    /// Where it was found; none when no step was reached.
    pub step: Option<Step>,
    /// One sentence for people.
    pub output: String,
    /// What to do about it, in Azure's terms.
    pub remedy: String,
    /// The first word of Redis' error reply, for [`Kind::ServerError`].
    #[cfg_attr(
        feature = "json",
        serde(default, skip_serializing_if = "Option::is_none")
    )]
    pub code: Option<String>,
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
    /// Its name in reports and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Entra => "entra",
            Self::AccessKey => "access-key",
        }
    }
}

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
}
