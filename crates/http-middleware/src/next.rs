//! What is handed on to the application.

use crate::bindings::wasi::http::handler;
use cache_health_http_handler::door;
use wasi::http::types::{ErrorCode, Fields, Request, Response};
use wasi::wit_future;

/// The header that the operator's token comes in (RFC 9110, 11.6.2).
const AUTHORIZATION: &str = "authorization";

/// The application's answer.
pub async fn handle(request: Request) -> Result<Response, ErrorCode> {
    let given = request.get_headers().get(AUTHORIZATION);
    let mut others = Vec::new();
    for value in &given {
        if !is_operators(value).await {
            others.push(value.clone());
        }
    }
    if others.len() == given.len() {
        return handler::handle(request).await;
    }
    let headers = request.get_headers().clone();
    let changed = if others.is_empty() {
        headers.delete(AUTHORIZATION)
    } else {
        headers.set(AUTHORIZATION, &others)
    };
    // Rather no answer than the token.
    changed.map_err(|_| ErrorCode::InternalError(None))?;
    handler::handle(with_headers(request, headers)?).await
}

/// What is not text is no token.
async fn is_operators(value: &[u8]) -> bool {
    match String::from_utf8(value.to_vec()) {
        Ok(text) => door::is_operators(text).await,
        Err(_) => false,
    }
}

/// The same request with other headers: those of a request that has come in cannot be changed.
fn with_headers(request: Request, headers: Fields) -> Result<Request, ErrorCode> {
    let refused = |()| ErrorCode::InternalError(None);
    let (method, scheme) = (request.get_method(), request.get_scheme());
    let (authority, path) = (request.get_authority(), request.get_path_with_query());
    let options = request.get_options();
    let (read, whole) = wit_future::new(|| Ok(()));
    let (body, trailers) = Request::consume_body(request, whole);
    let (request, sent) = Request::new(headers, Some(body), trailers, options);
    // Whoever sent the body learns whether the application took it.
    wasi::spawn(async move {
        let _gone = read.write(sent.await).await;
    });
    request.set_method(&method).map_err(refused)?;
    request.set_scheme(scheme.as_ref()).map_err(refused)?;
    request
        .set_authority(authority.as_deref())
        .map_err(refused)?;
    request
        .set_path_with_query(path.as_deref())
        .map_err(refused)?;
    Ok(request)
}
