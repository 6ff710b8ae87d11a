//! The HTTP front: `wasi:http/handler@0.3.0` over `health`. Reports are rendered by
//! `cache-health-report`.
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
use cache_health_report::{Document, MEDIA_TYPE, Report, Status};
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
    let query = Query::of(query);
    match (method, route) {
        (Method::Other, _) => {
            Answer::new(405, TEXT, "only GET and HEAD\n").with("allow", "GET, HEAD")
        }
        (_, Route::Livez) => Answer::new(200, TEXT, "ok\n").with("cache-control", "no-store"),
        (_, Route::Readyz) => readyz(check(false, false).await, query.verbose),
        (_, Route::Healthz) => healthz(check(query.fresh, query.new_connection).await),
    }
}

async fn check(fresh: bool, new_connection: bool) -> Report {
    let options = health::CheckOptions {
        fresh,
        new_connection,
    };
    host::report_from_wit(health::check(options).await)
}

/// Whether to send traffic. Nothing runs between requests here, so it is not damped: a result
/// younger than the interval is used again, and otherwise a check is made.
fn readyz(report: Report, verbose: bool) -> Answer {
    let mut body = String::new();
    if verbose {
        for result in &report.steps {
            // No more than the kind: this endpoint is open to whoever reaches the port.
            let failed = report
                .failure
                .as_ref()
                .filter(|f| f.step == Some(result.step));
            let kind = failed.map_or("replaced", |failure| failure.kind.as_str());
            match result.status {
                Status::Fail => body += &format!("[-]{} failed: {kind}\n", result.step),
                _ => body += &format!("[+]{} ok\n", result.step),
            }
        }
    }
    match &report.failure {
        None => body += "ok\n",
        Some(failure) => body += &format!("not ready: {}\n", failure.kind),
    }
    Answer::new(http_status(report.status), TEXT, body).with("cache-control", "no-store")
}

fn healthz(report: Report) -> Answer {
    let document = Document::from(report);
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
    fn readyz_says_one_word_and_verbose_a_line_per_step() {
        use cache_health_report::{Finding, Kind, Step, StepResult};
        let step = |step, status| StepResult {
            step,
            status,
            duration: Default::default(),
        };
        let report = Report {
            status: Status::Fail,
            time: 0,
            age: Default::default(),
            output: String::new(),
            failure: Some(Finding {
                kind: Kind::PermissionDenied,
                step: Some(Step::Set),
                output: String::new(),
                remedy: String::new(),
                code: None,
            }),
            warnings: vec![],
            auth: None,
            tls: None,
            steps: vec![
                step(Step::Connect, Status::Pass),
                step(Step::Set, Status::Fail),
            ],
        };
        let answer = readyz(report.clone(), false);
        assert_eq!(
            (answer.status, &*answer.body),
            (503, &b"not ready: permission-denied\n"[..])
        );
        let answer = readyz(report, true);
        let text = String::from_utf8(answer.body).expect("UTF-8");
        assert_eq!(
            text,
            "[+]redis:connect ok\n[-]redis:set failed: permission-denied\nnot ready: permission-denied\n"
        );
    }

    #[test]
    fn livez_answers_without_a_check() {
        assert_eq!(block_on(answer(Method::Get, "/livez")).status, 200);
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
