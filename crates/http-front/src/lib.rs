//! The HTTP front: `wasi:http/handler@0.3.0` over `health`, and the one place that renders
//! reports.

mod bindings;
mod host;
mod route;

use bindings::cache_health::probe::health;
use bytes::Bytes;
use cache_health_report::{Document, MEDIA_TYPE, Status};
use http_body_util::Full;
use route::{Query, Route};
use spin_sdk::http::{Method, Request, Response, StatusCode};

type Body = Full<Bytes>;

// Natively, where the unit tests run, there is nobody to export to.
#[cfg_attr(target_family = "wasm", spin_sdk::http_service)]
#[cfg_attr(
    not(target_family = "wasm"),
    expect(dead_code, reason = "only exported on wasm")
)]
async fn handle(request: Request) -> anyhow::Result<Response<Body>> {
    let uri = request.uri();
    let Some(route) = Route::of(uri.path()) else {
        return plain(StatusCode::NOT_FOUND, "no such route; try /healthz\n");
    };
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
    }
    let query = Query::of(uri.query().unwrap_or_default());
    match route {
        Route::Healthz => healthz(query).await,
    }
}

async fn healthz(query: Query) -> anyhow::Result<Response<Body>> {
    let options = health::CheckOptions {
        fresh: query.fresh,
        new_connection: query.new_connection,
    };
    let document = Document::from(host::report_from_wit(health::check(options).await));
    let body = serde_json::to_vec(&document)?;
    Ok(Response::builder()
        .status(http_status(document.status))
        .header("content-type", MEDIA_TYPE)
        .header("cache-control", "no-store")
        .body(Full::new(body.into()))?)
}

/// The verdict as a machine reads it.
fn http_status(status: Status) -> StatusCode {
    match status {
        Status::Pass | Status::Warn => StatusCode::OK,
        Status::Fail => StatusCode::SERVICE_UNAVAILABLE,
    }
}

fn plain(status: StatusCode, text: &'static str) -> anyhow::Result<Response<Body>> {
    let mut response = Response::builder()
        .status(status)
        .header("content-type", "text/plain; charset=utf-8");
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response = response.header("allow", "GET, HEAD");
    }
    Ok(response.body(Full::new(text.into()))?)
}
