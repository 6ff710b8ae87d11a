//! Asking the component for a verdict; when it gives none, that is a verdict too.

use crate::component::Runtime;
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

impl Proof {
    /// The request that makes such a check, whoever wants it.
    fn request(self) -> &'static str {
        match self {
            Self::Warm => "/healthz?fresh=1",
            Self::Cold => "/healthz?new-connection=1",
        }
    }
}

/// A verdict as the component rendered it. It is only read when somebody needs to know more than
/// what is passed on.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// What HTTP says.
    pub status: StatusCode,
    /// The report, `application/health+json`.
    pub body: Bytes,
}

impl Verdict {
    /// Reads it.
    pub fn document(&self) -> Document {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            error!(%error, "the component's answer is not a report");
            internal("the component's answer is not a report")
        })
    }
}

impl From<Document> for Verdict {
    fn from(document: Document) -> Self {
        let status = http_status(document.status);
        // A document has nothing in it that JSON cannot say.
        Self {
            status,
            body: serde_json::to_vec(&document).unwrap_or_default().into(),
        }
    }
}

/// Makes a check, or joins one under way in the component.
pub async fn fresh(runtime: &Runtime, proof: Proof) -> Verdict {
    match runtime.get(proof.request()).await {
        Ok(answer) => Verdict {
            status: answer.status(),
            body: answer.into_body(),
        },
        Err(error) => {
            error!(%error, "no verdict");
            internal("the component gave no answer").into()
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
pub fn http_status(status: Status) -> StatusCode {
    match status {
        Status::Pass | Status::Warn => StatusCode::OK,
        Status::Fail => StatusCode::SERVICE_UNAVAILABLE,
    }
}
