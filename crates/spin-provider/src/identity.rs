//! One request for a token, over outgoing `wasi:http`: to the platform's identity endpoint, or to Entra.

use crate::error_text::{self, Said};
use cache_health_provider::client_credentials::{self, Proved};
use cache_health_provider::config::{Application, Identity, KeySource, ManagedIdentity, Proof};
use cache_health_provider::identity::{self, NoToken, Token, unavailable};
use cache_health_provider::{ExposeSecret as _, managed_identity, schedule};
use cache_health_report::Failure;
use http::Uri;
use std::time::Duration;
use wasi::http::client;
use wasi::http::types::{ErrorCode, Fields, Method, Request, Response, Scheme};
use wasi::{wit_future, wit_stream};

/// Asks for a token for this resource. `now` is in seconds since 1970-01-01T00:00:00Z.
pub async fn request(identity: &Identity, resource: &str, now: i64) -> Result<Token, NoToken> {
    let seen = |mut failure: Failure| {
        failure.evidence.extend(identity.evidence());
        failure
    };
    let unreachable = || NoToken::from(seen(unavailable("unreachable")));
    let request = match identity {
        Identity::Managed(managed) => get(managed, resource),
        Identity::Application(application, Proof::Secret(KeySource::Value(secret))) => {
            post(application, resource, &Proved::Secret(secret.clone()))
        }
        // The others need a file or a program, and are not read here.
        _ => None,
    };
    let request = request.ok_or_else(unreachable)?;
    let forbidden = |policy| seen(unavailable("not-allowed").with("policy", policy));
    let response = client::send(request).await.map_err(|error| match error {
        ErrorCode::HttpRequestDenied => forbidden("allowed_outbound_hosts").into(),
        ErrorCode::DestinationIpProhibited => forbidden("block_networks").into(),
        ErrorCode::ConnectionLimitReached => forbidden("connection-limit").into(),
        ErrorCode::InternalError(Some(text)) if error_text::read(&text) == Said::NotInherited => {
            forbidden("inherit_configuration").into()
        }
        _ => unreachable(),
    })?;
    let status = response.get_status_code();
    let retry_after = retry_after(&response);
    let body = read(response).await;
    let body = body.ok_or_else(|| seen(unavailable("not-a-token")))?;
    identity::judge(status, &body, now).map_err(|failure| NoToken {
        failure: seen(failure),
        retry_after,
    })
}

fn retry_after(response: &Response) -> Option<Duration> {
    let values = response.get_headers().get("retry-after");
    let value = String::from_utf8(values.into_iter().next()?).ok()?;
    schedule::retry_after(&value)
}

fn get(identity: &ManagedIdentity, resource: &str) -> Option<Request> {
    let asked = managed_identity::request(identity, resource);
    let value = asked.value.expose_secret().as_bytes().to_vec();
    let fields = Fields::from_list(&[(asked.header.to_owned(), value)]).ok()?;
    // Dropping the writer says that there are no trailers.
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (request, _sent) = Request::new(fields, None, trailers, None);
    request.set_method(&Method::Get).ok()?;
    addressed(request, identity.uri(), &asked.target)
}

fn post(application: &Application, resource: &str, proved: &Proved) -> Option<Request> {
    let form = client_credentials::form(application, resource, proved);
    let body = form.expose_secret().as_bytes().to_vec();
    let field = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
    let fields = Fields::from_list(&[
        field("content-type", client_credentials::CONTENT_TYPE),
        field("content-length", &body.len().to_string()),
        field("accept", "application/json"),
    ]);
    let (mut writer, contents) = wit_stream::new();
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (request, _sent) = Request::new(fields.ok()?, Some(contents), trailers, None);
    wasi::spawn(async move { drop(writer.write_all(body).await) });
    request.set_method(&Method::Post).ok()?;
    addressed(
        request,
        &application.authority,
        &client_credentials::path(application),
    )
}

fn addressed(request: Request, uri: &Uri, target: &str) -> Option<Request> {
    let scheme = match uri.scheme_str() {
        Some("https") => Scheme::Https,
        _ => Scheme::Http,
    };
    request.set_scheme(Some(&scheme)).ok()?;
    let authority = uri.authority().map(|authority| authority.as_str());
    request.set_authority(authority).ok()?;
    request.set_path_with_query(Some(target)).ok()?;
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
