//! What the HTTP component answers: `wasi:http/handler@0.3.0` over `health`, by the probe protocol of
//! `cache-health-report`. Two components are made of it: `crates/http-service` answers every request, and
//! `crates/http-middleware` hands on what is not for the probe.
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
mod convert;
#[cfg(target_family = "wasm")]
pub mod door;

use bindings::cache_health::capabilities::{access, settings};
use bindings::cache_health::probe::health;
use cache_health_report::probe::{self, Answer, Asked, Route, Verdict};
use cache_health_report::{Document, ReadinessPolicy, View};

/// A request, as far as it matters.
struct Asking<'a> {
    method: &'a str,
    path_with_query: &'a str,
    authorization: Option<String>,
    has_body: bool,
}

/// Answers a request.
async fn answer(asking: Asking<'_>) -> Answer {
    let (path, query) = asking
        .path_with_query
        .split_once('?')
        .unwrap_or((asking.path_with_query, ""));
    let Some(route) = Route::of(path) else {
        return Answer::no_such_route();
    };
    let asked = match probe::read(route, asking.method, query, asking.has_body) {
        Ok(asked) => asked,
        Err(refused) => return refused,
    };
    let (fresh, new_connection) = match asked {
        Asked::Live => return Answer::live(),
        Asked::History | Asked::Metrics | Asked::Page | Asked::Probe => {
            return Answer::nothing_remembered();
        }
        Asked::Ready { .. } | Asked::Newest => (false, false),
        Asked::Fresh => (true, false),
        Asked::NewConnection => (true, true),
    };
    let view = match &asked {
        asked if asked.is_the_same_for_everybody() => View::Public,
        _ if access::may_see_details(asking.authorization).await => View::Details,
        _ => View::Public,
    };
    if let Err(refused) = probe::may_have(asked, view, query) {
        return refused;
    }
    let options = health::CheckOptions {
        fresh,
        new_connection,
    };
    let report = convert::report_from_wit(health::check(options).await);
    if let Asked::Ready { verbose } = asked {
        // Nothing runs between requests here, so it is not damped: a result younger than the interval is used
        // again, and otherwise a check is made.
        let policy = ReadinessPolicy::of(&settings::readiness().await);
        let policy = policy.unwrap_or_default();
        let failure = report.failure.as_ref();
        let counted = failure.filter(|failure| policy.counts(failure, &report.evidence));
        let reason = counted.map(|failure| failure.kind.as_str());
        let verdict = Verdict::of(failure.map(|failure| failure.kind));
        let document = Document::of(report, View::Public);
        return Answer::ready(reason, verdict, verbose.then_some(&document));
    }
    Answer::document(&Document::of(report, view))
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::executor::block_on;

    fn ask(method: &'static str, path_with_query: &'static str) -> Answer {
        block_on(answer(Asking {
            method,
            path_with_query,
            authorization: None,
            has_body: false,
        }))
    }

    #[test]
    fn livez_answers_without_a_check() {
        assert_eq!(ask("GET", "/livez?x").status, 200);
    }

    #[test]
    fn an_unknown_path_is_404_and_a_wrong_method_405_with_allow() {
        assert_eq!(ask("GET", "/nothing?fresh=1").status, 404);
        let refused = ask("POST", "/healthz");
        assert_eq!(refused.status, 405);
        assert!(refused.headers.contains(&("allow", "GET, HEAD")));
    }
}
