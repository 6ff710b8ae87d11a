//! The probe protocol: routes, queries, statuses, headers and texts, once for every host. Pure: who serves it converts
//! requests and answers, and makes the checks.
//!
//! | route | answers |
//! |---|---|
//! | `/livez` | 200 while the process works; never touches Redis |
//! | `/readyz` | 200 or 503: whether to send traffic; `?verbose` adds a line per step |
//! | `/healthz` | the report, 200 or 503; `?fresh` makes a check now, `?new-connection` proves a new connection as well |
//!
//! A query asks by its name alone or with `=1`; anything else in it is passed over.

use crate::{Document, Kind, MEDIA_TYPE, Status, StepDocument};
use std::fmt::Write as _;

/// The media type of everything that is not a report.
const TEXT: &str = "text/plain; charset=utf-8";

/// A route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// `/livez`.
    Livez,
    /// `/readyz`.
    Readyz,
    /// `/healthz`.
    Healthz,
}

impl Route {
    /// The route of a path, if it is one of the probe's.
    pub fn of(path: &str) -> Option<Self> {
        match path {
            "/livez" => Some(Self::Livez),
            "/readyz" => Some(Self::Readyz),
            "/healthz" => Some(Self::Healthz),
            _ => None,
        }
    }
}

/// What a request for one of the routes asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The process, and nothing else.
    Live,
    /// Whether to send traffic.
    Ready {
        /// With a line per step.
        verbose: bool,
    },
    /// The newest report.
    Newest,
    /// A check now.
    Fresh,
    /// A check now that also proves a new connection.
    NewConnection,
}

/// Reads a request for a route: what it asks for, or why it is refused. `has_body`: whether there is one to read;
/// none is read.
pub fn read(route: Route, method: &str, query: &str, has_body: bool) -> Result<Asked, Answer> {
    if !matches!(method, "GET" | "HEAD") {
        return Err(Answer::text(405, "only GET and HEAD\n").with("allow", "GET, HEAD"));
    }
    if has_body {
        // The connection is closed rather than the body read.
        return Err(Answer::text(413, "no route takes a body\n").with("connection", "close"));
    }
    Ok(match route {
        Route::Livez => Asked::Live,
        Route::Readyz => Asked::Ready {
            verbose: asks(query, "verbose"),
        },
        Route::Healthz if asks(query, "new-connection") => Asked::NewConnection,
        Route::Healthz if asks(query, "fresh") => Asked::Fresh,
        Route::Healthz => Asked::Newest,
    })
}

/// Whether a query asks for something: `?name` or `?name=1`.
fn asks(query: &str, name: &str) -> bool {
    query
        .split('&')
        .any(|pair| matches!(pair.split_once('='), Some((n, "1")) if n == name) || pair == name)
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers, but for the length.
    pub headers: Vec<(&'static str, &'static str)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// Plain text. No answer is kept by a cache.
    pub fn text(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: vec![("content-type", TEXT), ("cache-control", "no-store")],
            body: body.into(),
        }
    }

    /// A document.
    pub fn document(document: &Document) -> Self {
        Self::rendered(document.status, render(document))
    }

    /// A document that was rendered before, with this verdict.
    pub fn rendered(status: Status, body: Vec<u8>) -> Self {
        Self {
            status: http_status(status),
            headers: vec![("content-type", MEDIA_TYPE), ("cache-control", "no-store")],
            body,
        }
    }

    /// 200 for `/livez`.
    pub fn live() -> Self {
        Self::text(200, "ok\n")
    }

    /// 404 where the probe is all there is.
    pub fn no_such_route() -> Self {
        Self::text(404, "no such route; try /healthz\n")
    }

    /// 502: a custom component failed.
    pub fn no_answer() -> Self {
        Self::text(502, "the component gave no answer\n")
    }

    /// 503: too many requests wait for a check.
    pub fn too_many() -> Self {
        Self::text(503, "too many requests in flight\n").with("retry-after", "1")
    }

    /// The answer of `/readyz`. `reason`: why not to send traffic. `newest`: the document whose steps are shown.
    pub fn ready(reason: Option<&str>, newest: Option<&Document>) -> Self {
        let mut body = newest.map_or_else(String::new, steps);
        body += &match reason {
            None => "ok\n".to_owned(),
            Some(reason) => format!("not ready: {reason}\n"),
        };
        Self::text(if reason.is_none() { 200 } else { 503 }, body)
    }

    fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }
}

/// A document as JSON.
pub fn render(document: &Document) -> Vec<u8> {
    // A document has nothing in it that JSON cannot say.
    serde_json::to_vec(document).unwrap_or_default()
}

/// The verdict as HTTP says it.
fn http_status(status: Status) -> u16 {
    match status {
        Status::Pass | Status::Warn => 200,
        Status::Fail => 503,
    }
}

/// One line per step, as Kubernetes' own endpoints write them. No more than the kind: everybody sees it.
fn steps(document: &Document) -> String {
    let findings = || document.failure.iter().chain(&document.warnings);
    let mut out = String::new();
    for (step, results) in &document.checks {
        let failed = |result: &StepDocument| result.status == Status::Fail;
        let kind = findings()
            .find(|finding| finding.step == Some(*step))
            .map_or("replaced", |finding| finding.kind.as_str());
        // Writing to a string cannot fail.
        let _ = match results.last().is_some_and(failed) {
            false => writeln!(out, "[+]{step} ok"),
            true => writeln!(out, "[-]{step} failed: {kind}"),
        };
    }
    out
}

/// What `/readyz` gives as the reason for a document that fails.
pub fn reason(document: &Document) -> &'static str {
    document.failure_kind().unwrap_or(Kind::Internal).as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_asks_with_or_without_one() {
        for query in ["verbose", "verbose=1", "a=b&verbose", "verbose&x=y"] {
            assert!(asks(query, "verbose"), "{query}");
        }
        for query in ["", "verbose=0", "verbosed", "x=verbose", "verbose=11"] {
            assert!(!asks(query, "verbose"), "{query}");
        }
    }

    #[test]
    fn every_route_reads_its_own_queries() {
        let read = |route, query| read(route, "GET", query, false).expect("taken");
        assert_eq!(read(Route::Livez, "fresh"), Asked::Live);
        assert_eq!(
            read(Route::Readyz, "verbose"),
            Asked::Ready { verbose: true }
        );
        assert_eq!(
            read(Route::Readyz, "fresh"),
            Asked::Ready { verbose: false }
        );
        assert_eq!(read(Route::Healthz, ""), Asked::Newest);
        assert_eq!(read(Route::Healthz, "fresh"), Asked::Fresh);
        assert_eq!(
            read(Route::Healthz, "fresh&new-connection=1"),
            Asked::NewConnection
        );
    }

    #[test]
    fn a_method_or_a_body_that_is_not_taken_is_refused() {
        let status =
            |method, body| read(Route::Livez, method, "", body).map_err(|answer| answer.status);
        assert_eq!(status("HEAD", false), Ok(Asked::Live));
        assert_eq!(status("POST", true), Err(405));
        assert_eq!(status("GET", true), Err(413));
    }
}
