//! The probe protocol's answers as hyper sends them.

use bytes::Bytes;
use cache_health_report::probe::Answer;
use http::{HeaderName, HeaderValue, StatusCode};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// An answer.
pub type Response = http::Response<Bytes>;

/// What is longer is worth counting while it is sent, in bytes.
const SHORT: usize = 16 * 1024;

/// Bytes with their place among those that are being sent.
struct Placed {
    bytes: Bytes,
    _place: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Placed {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// The answer with a place that it keeps until a client took all of it, where it is a long one; none when there is no place.
pub fn placed(answer: Response, places: &Arc<Semaphore>) -> Option<Response> {
    if answer.body().len() <= SHORT {
        return Some(answer);
    }
    let place = Arc::clone(places).try_acquire_owned().ok()?;
    // hyper holds the bytes for as long as it has some to write.
    Some(answer.map(|bytes| {
        Bytes::from_owner(Placed {
            bytes,
            _place: place,
        })
    }))
}

/// Converts an answer.
pub fn respond(answer: Answer) -> Response {
    with_body(answer.status, answer.headers, answer.body.into())
}

/// The same with a body that many share.
pub fn respond_shared(answer: Answer, body: Bytes) -> Response {
    with_body(answer.status, answer.headers, body)
}

fn with_body(status: u16, headers: Vec<(&'static str, &'static str)>, body: Bytes) -> Response {
    let mut response = Response::new(body);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_answer_has_its_place_until_nobody_holds_its_bytes() {
        let places = Arc::new(Semaphore::new(1));
        let long = || Response::new(Bytes::from(vec![7; SHORT + 1]));
        let answer = placed(long(), &places).expect("a place");
        let rest = answer.into_body().split_off(SHORT);
        assert_eq!(&rest[..], [7]);
        assert!(placed(long(), &places).is_none());
        let short = placed(Response::new(Bytes::from_static(b"short")), &places);
        assert!(short.is_some(), "it needs no place");
        drop(rest);
        assert!(placed(long(), &places).is_some());
    }
}
