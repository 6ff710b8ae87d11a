//! The door to `wasi:http`: requests taken apart, answers put together.

use crate::Asking;
use crate::bindings::cache_health::capabilities::access;
use cache_health_report::probe::{Answer, Route};
use wasi::http::types::{ErrorCode, Fields, Method, Request, Response};
use wasi::{wit_future, wit_stream};

/// Whether a request is for a route that a platform or a monitor probes.
pub fn is_a_probe(request: &Request) -> bool {
    let target = request.get_path_with_query().unwrap_or_default();
    let path = target.split('?').next().unwrap_or_default();
    Route::of(path).is_some_and(Route::is_a_probe)
}

/// Whether an `Authorization` is the operator's.
pub async fn is_operators(authorization: String) -> bool {
    access::may_see_details(Some(authorization)).await
}

/// Answers a request.
///
/// # Errors
///
/// When the host takes no answer.
pub async fn answer(request: Request) -> Result<Response, ErrorCode> {
    let method = match request.get_method() {
        Method::Get => "GET",
        Method::Head => "HEAD",
        _ => "other",
    };
    let path = request.get_path_with_query().unwrap_or_default();
    let headers = request.get_headers();
    let answer = crate::answer(Asking {
        method,
        path_with_query: &path,
        authorization: header(&headers, "authorization"),
        has_body: has_body(&headers),
    })
    .await;
    send(answer, method == "HEAD")
}

fn header(headers: &Fields, name: &str) -> Option<String> {
    let values = headers.get(name);
    String::from_utf8(values.into_iter().next()?).ok()
}

/// As a request says it (RFC 9112, 6).
fn has_body(headers: &Fields) -> bool {
    let length = header(headers, "content-length").is_some_and(|length| length.trim() != "0");
    length || header(headers, "transfer-encoding").is_some()
}

fn send(answer: Answer, head: bool) -> Result<Response, ErrorCode> {
    let length = answer.body.len().to_string();
    let fields: Vec<(String, Vec<u8>)> = answer
        .headers
        .into_iter()
        // The connection is the host's business.
        .filter(|(name, _)| *name != "connection")
        .chain([("content-length", length.as_str())])
        .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
        .collect();
    let fields = Fields::from_list(&fields).map_err(|_| ErrorCode::InternalError(None))?;
    let (mut body, reader) = wit_stream::new();
    // Dropping the writer says that there are no trailers.
    let (_, trailers) = wit_future::new(|| Ok(None));
    let body_reader = (!head).then_some(reader);
    let (response, _sent) = Response::new(fields, body_reader, trailers);
    response
        .set_status_code(answer.status)
        .map_err(|()| ErrorCode::InternalError(None))?;
    if !head {
        // Whoever asked may have gone away: what is left unwritten is nobody's.
        wit_bindgen::spawn(async move { drop(body.write_all(answer.body).await) });
    }
    Ok(response)
}
