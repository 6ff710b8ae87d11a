//! The probe protocol's answers as hyper sends them.

use crate::serve::body::Body;
use bytes::Bytes;
use cache_health_report::probe::Answer;
use http::{HeaderName, HeaderValue, StatusCode};

/// An answer.
pub type Response = http::Response<Body>;

/// Converts an answer.
pub fn respond(answer: Answer) -> Response {
    with_body(answer.status, answer.headers, answer.body.into())
}

/// The same with a body that many share.
pub fn respond_shared(answer: Answer, body: Bytes) -> Response {
    with_body(answer.status, answer.headers, body)
}

fn with_body(status: u16, headers: Vec<(&'static str, &'static str)>, body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    // Every status of the protocol is one.
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in headers {
        let name = HeaderName::from_static(name);
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}
