//! The HTTP front: `wasi:http/handler@0.3.0` over `health`, and the one place that renders
//! reports.
//!
//! Written against `wasi:http` itself rather than an SDK's HTTP types: it runs on more than one
//! host, and is a third smaller for it (`docs/decisions/0005-http-front-without-an-sdk.md`).

#![cfg_attr(
    not(target_family = "wasm"),
    allow(
        dead_code,
        reason = "natively nothing is exported: only the unit tests run"
    )
)]

mod bindings;
mod host;
mod response;
mod route;

use bindings::cache_health::probe::health;
use cache_health_report::{Document, MEDIA_TYPE, Status};
use response::Answer;
use route::{Method, Query, Route};

/// The media type of everything that is not a report.
const TEXT: &str = "text/plain; charset=utf-8";

/// Answers a request.
async fn answer(method: Method, path_with_query: &str) -> Answer {
    let (path, query) = path_with_query
        .split_once('?')
        .unwrap_or((path_with_query, ""));
    let Some(route) = Route::of(path) else {
        return Answer::new(404, TEXT, "no such route; try /healthz\n");
    };
    match (method, route) {
        (Method::Other, _) => {
            Answer::new(405, TEXT, "only GET and HEAD\n").with("allow", "GET, HEAD")
        }
        (_, Route::Healthz) => healthz(Query::of(query)).await,
    }
}

async fn healthz(query: Query) -> Answer {
    let options = health::CheckOptions {
        fresh: query.fresh,
        new_connection: query.new_connection,
    };
    let document = Document::from(host::report_from_wit(health::check(options).await));
    match serde_json::to_vec(&document) {
        Ok(body) => Answer::new(http_status(document.status), MEDIA_TYPE, body)
            .with("cache-control", "no-store"),
        Err(_) => Answer::new(500, TEXT, "no report\n"),
    }
}

/// The verdict as a machine reads it.
fn http_status(status: Status) -> u16 {
    match status {
        Status::Pass | Status::Warn => 200,
        Status::Fail => 503,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::executor::block_on;

    #[test]
    fn pass_and_warn_are_200_and_fail_is_503() {
        assert_eq!(http_status(Status::Pass), 200);
        assert_eq!(http_status(Status::Warn), 200);
        assert_eq!(http_status(Status::Fail), 503);
    }

    #[test]
    fn an_unknown_path_is_404_and_a_wrong_method_405_with_allow() {
        assert_eq!(
            block_on(answer(Method::Get, "/nothing?fresh=1")).status,
            404
        );
        let refused = block_on(answer(Method::Other, "/healthz"));
        assert_eq!(refused.status, 405);
        assert!(refused.headers.contains(&("allow", "GET, HEAD")));
    }
}
