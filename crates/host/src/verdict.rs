//! Asking the component for a verdict; when it gives none, that is a verdict too.

use crate::component::Health;
use bytes::Bytes;
use cache_health_report::{Document, Finding, Kind, Status};
use http::StatusCode;
use std::time::SystemTime;
use tracing::error;

/// What a check is to prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// That the cache can be used.
    Warm,
    /// Also that a new connection can be made, beside the kept one.
    Cold,
}

/// Makes a check, or joins one under way in the component.
pub async fn fresh(health: &Health, proof: Proof) -> Document {
    match health.check(proof == Proof::Cold).await {
        Ok(report) => report.into(),
        Err(error) => {
            error!(%error, "no verdict");
            internal(&error.to_string())
        }
    }
}

/// A fault of our own.
pub fn internal(output: &str) -> Document {
    let remedy = "A fault of cache-health itself: please report it with the log.";
    failure(Kind::Internal, output, remedy)
}

/// A failure that no check found.
pub fn failure(kind: Kind, output: &str, remedy: &str) -> Document {
    let finding = Finding {
        kind,
        step: None,
        output: output.to_owned(),
        remedy: remedy.to_owned(),
        code: None,
    };
    Document::failure(SystemTime::now(), finding)
}

/// A verdict as JSON (application/health+json).
pub fn render(document: &Document) -> Bytes {
    // A document has nothing in it that JSON cannot say.
    serde_json::to_vec(document).unwrap_or_default().into()
}

/// The verdict as HTTP says it.
pub fn http_status(status: Status) -> StatusCode {
    match status {
        Status::Pass | Status::Warn => StatusCode::OK,
        Status::Fail => StatusCode::SERVICE_UNAVAILABLE,
    }
}
