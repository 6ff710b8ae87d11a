//! Answers put together.

use crate::serve::series::{Readiness, Sample};
use crate::verdict::{http_status, render};
use bytes::Bytes;
use cache_health_report::{Document, MEDIA_TYPE, Status};
use http::header::{ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderName, HeaderValue, StatusCode};
use http_body_util::Full;
use std::fmt::Write as _;

/// An answer.
pub type Response = http::Response<Full<Bytes>>;

const TEXT: &str = "text/plain; charset=utf-8";

/// Plain text.
pub fn text(status: StatusCode, body: impl Into<Bytes>) -> Response {
    with_body(status, TEXT, body.into())
}

/// A report.
pub fn document(document: &Document) -> Response {
    with_body(http_status(document.status), MEDIA_TYPE, render(document))
}

/// The report of a sample, as it was had.
pub fn sample(sample: &Sample) -> Response {
    let status = http_status(sample.document.status);
    with_body(status, MEDIA_TYPE, sample.rendered())
}

/// Whether to send traffic. `reason`: why not.
pub fn readiness(readiness: &Readiness, reason: Option<&str>, verbose: bool) -> Response {
    let status = match reason {
        None => StatusCode::OK,
        Some(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    let mut body = String::new();
    if verbose && let Readiness::Ready(sample) | Readiness::Failing(sample) = readiness {
        write_steps(&mut body, sample);
    }
    let verdict = match reason {
        None => "ok\n".to_owned(),
        Some(reason) => format!("not ready: {reason}\n"),
    };
    body.push_str(&verdict);
    text(status, body)
}

/// One line per step, as Kubernetes' own endpoints write them. No more than the kind: this
/// endpoint is open to whoever reaches the port.
fn write_steps(out: &mut String, sample: &Sample) {
    let document = &sample.document;
    let failed = document.failure.as_ref();
    for (step, results) in &document.checks {
        let last = results.last();
        let ok = last.is_none_or(|result| result.status != Status::Fail);
        let kind = failed
            .into_iter()
            .chain(&document.warnings)
            .find(|finding| finding.step == Some(*step))
            .map_or("replaced", |finding| finding.kind.as_str());
        // Writing to a string cannot fail.
        let _ = match ok {
            true => writeln!(out, "[+]{step} ok"),
            false => writeln!(out, "[-]{step} failed: {kind}"),
        };
    }
}

/// 502: somebody else's component failed.
pub fn no_answer() -> Response {
    text(StatusCode::BAD_GATEWAY, "the component gave no answer\n")
}

/// 405, with what is allowed.
pub fn method_not_allowed() -> Response {
    let response = text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
    with_header(response, ALLOW, "GET, HEAD")
}

/// 413: no route takes a body. The connection is closed rather than the body read.
pub fn body_not_allowed() -> Response {
    let response = text(StatusCode::PAYLOAD_TOO_LARGE, "no route takes a body\n");
    with_header(response, CONNECTION, "close")
}

/// 503: too many requests wait for a check.
pub fn too_many() -> Response {
    let response = text(
        StatusCode::SERVICE_UNAVAILABLE,
        "too many requests in flight\n",
    );
    with_header(response, RETRY_AFTER, "1")
}

fn with_body(status: StatusCode, media_type: &'static str, body: Bytes) -> Response {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    let response = with_header(response, CONTENT_TYPE, media_type);
    with_header(response, CACHE_CONTROL, "no-store")
}

fn with_header(mut response: Response, name: HeaderName, value: &'static str) -> Response {
    response
        .headers_mut()
        .insert(name, HeaderValue::from_static(value));
    response
}
