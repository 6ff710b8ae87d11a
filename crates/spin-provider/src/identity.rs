//! One request to the identity endpoint, over outgoing `wasi:http`.

use cache_health_provider::ExposeSecret as _;
use cache_health_provider::config::ManagedIdentity;
use cache_health_provider::identity::{self, NoToken, Token, unavailable};
use cache_health_provider::schedule;
use cache_health_report::Failure;
use std::time::Duration;
use wasi::http::client;
use wasi::http::types::{ErrorCode, Fields, Method, Request, Response, Scheme};
use wasi::wit_future;

/// Asks for a token. `now` is in seconds since 1970-01-01T00:00:00Z.
pub async fn request(configured: &ManagedIdentity, now: i64) -> Result<Token, NoToken> {
    let unreachable = || NoToken::from(seen(unavailable("unreachable"), configured));
    let request = build(configured).ok_or_else(unreachable)?;
    let response = client::send(request).await.map_err(|error| match error {
        ErrorCode::HttpRequestDenied => seen(unavailable("not-allowed"), configured).into(),
        _ => unreachable(),
    })?;
    let status = response.get_status_code();
    let retry_after = retry_after(&response);
    let body = read(response).await;
    let body = body.ok_or_else(|| seen(unavailable("not-a-token"), configured))?;
    identity::judge(status, &body, now).map_err(|failure| NoToken {
        failure: seen(failure, configured),
        retry_after,
    })
}

/// The failure with whom was asked, and how.
fn seen(mut failure: Failure, configured: &ManagedIdentity) -> Failure {
    failure.evidence.set("identity.source", "managed-identity");
    if let Some(authority) = configured.endpoint.authority() {
        failure
            .evidence
            .set("identity.endpoint", authority.as_str());
    }
    if configured.client_id.is_some() {
        failure.evidence.set("identity.asked", "client_id");
    }
    failure
}

fn retry_after(response: &Response) -> Option<Duration> {
    let values = response.get_headers().get("retry-after");
    let value = String::from_utf8(values.into_iter().next()?).ok()?;
    schedule::retry_after(&value)
}

fn build(configured: &ManagedIdentity) -> Option<Request> {
    let uri = &configured.endpoint;
    let query = identity::query(configured.client_id.as_deref());
    let separator = if uri.query().is_some() { '&' } else { '?' };
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let header = configured.header.expose_secret().as_bytes().to_vec();
    let fields = Fields::from_list(&[(identity::HEADER.to_owned(), header)]).ok()?;
    // Dropping the writer says that there are no trailers.
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (request, _sent) = Request::new(fields, None, trailers, None);
    request.set_method(&Method::Get).ok()?;
    request.set_scheme(Some(&Scheme::Http)).ok()?;
    request
        .set_authority(uri.authority().map(|authority| authority.as_str()))
        .ok()?;
    request
        .set_path_with_query(Some(&format!("{path}{separator}{query}")))
        .ok()?;
    Some(request)
}

/// The body, unless it is longer than any token.
async fn read(response: Response) -> Option<Vec<u8>> {
    let (_, done) = wit_future::new(|| Ok(()));
    let (mut stream, _trailers) = Response::consume_body(response, done);
    let mut body = Vec::new();
    while let Some(byte) = stream.next().await {
        if body.len() == identity::MAX_ANSWER {
            return None;
        }
        body.push(byte);
    }
    Some(body)
}
