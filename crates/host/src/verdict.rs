//! Asking the component for a verdict; when it gives none, that is a verdict too.

use crate::component::Runtime;
use cache_health_report::{Document, Finding, Kind, Status};
use std::time::SystemTime;
use tracing::error;

/// The one request that makes a check, whoever wants it.
const FRESH: &str = "/healthz?fresh=1";

/// Makes a check, or joins one under way in the component.
pub async fn fresh(runtime: &Runtime) -> Document {
    match runtime.get(FRESH).await {
        Ok(answer) => serde_json::from_slice(answer.body()).unwrap_or_else(|error| {
            error!(%error, "the component's answer is not a report");
            internal("the component's answer is not a report")
        }),
        Err(error) => {
            error!(%error, "no verdict");
            internal("the component gave no answer")
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

/// The verdict as HTTP says it.
pub fn http_status(status: Status) -> http::StatusCode {
    match status {
        Status::Pass | Status::Warn => http::StatusCode::OK,
        Status::Fail => http::StatusCode::SERVICE_UNAVAILABLE,
    }
}
