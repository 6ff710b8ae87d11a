//! Somebody else's application: it imports `cache-health:probe/health` and nothing else of ours, and
//! answers 503 with the remedy when its cache cannot be used.
//!
//! On Spin, `health` comes from a dependency (`spin.toml`); on the standalone host, from
//! `cache-health serve --component`.

mod bindings;

use bindings::cache_health::probe::health::{self, CheckOptions, Status};
use bytes::Bytes;
use http_body_util::Full;
use spin_sdk::http::{Request, Response};

#[cfg_attr(target_family = "wasm", spin_sdk::http_service)]
#[cfg_attr(
    not(target_family = "wasm"),
    expect(dead_code, reason = "only exported on wasm")
)]
async fn handle(_request: Request) -> anyhow::Result<Response<Full<Bytes>>> {
    let options = CheckOptions {
        fresh: false,
        new_connection: false,
    };
    let report = health::check(options).await;
    let (status, text) = match (report.status, report.failure) {
        (Status::Fail, Some(failure)) => (
            503,
            format!("{}\nWhat to do: {}\n", failure.output, failure.remedy),
        ),
        _ => (200, format!("Hello! {}\n", report.output)),
    };
    Ok(Response::builder()
        .status(status)
        .body(Full::new(text.into()))?)
}
