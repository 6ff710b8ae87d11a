//! Somebody else's application that asks cache-health beside it in the same Spin application, over HTTP and without a
//! network (`spin.toml`). It imports nothing of ours: what it reads is JSON, by `docs/reference/report.schema.json`.

use serde::Deserialize;
use spin_sdk::http::body::IncomingBodyExt as _;
use spin_sdk::http::{EmptyBody, Request, Response, send};

/// The other component, by its name in the manifest.
const HEALTH: &str = "http://cache-health.spin.internal/healthz";

/// What of a report counts here.
#[derive(Deserialize)]
struct Report {
    output: String,
    failure: Option<Failure>,
}

#[derive(Deserialize)]
struct Failure {
    output: String,
    remedy: String,
}

#[cfg_attr(target_family = "wasm", spin_sdk::http_service)]
#[cfg_attr(
    not(target_family = "wasm"),
    expect(dead_code, reason = "only exported on wasm")
)]
async fn handle(_request: Request) -> anyhow::Result<Response<String>> {
    let asked = Request::get(HEALTH).body(EmptyBody::new())?;
    let body = send(asked).await?.into_body().bytes().await?;
    let report: Report = serde_json::from_slice(&body)?;
    let (status, text) = match report.failure {
        Some(failure) => (
            503,
            format!("{}\nWhat to do: {}\n", failure.output, failure.remedy),
        ),
        None => (200, format!("Hello! {}\n", report.output)),
    };
    Ok(Response::builder().status(status).body(text)?)
}
