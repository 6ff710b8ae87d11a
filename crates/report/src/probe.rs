//! The probe protocol: routes, queries, statuses, headers and texts, once for every host. Pure: who serves it converts
//! requests and answers, and makes the checks.
//!
//! | route | answers |
//! |---|---|
//! | `/livez` | 200 while the process works; never touches Redis |
//! | `/readyz` | 200 or 503: whether to send traffic; `?verbose` adds a line per step |
//! | `/healthz` | the report, 200 or 503; `?fresh` makes a check now, `?new-connection` proves a new connection as well |
//! | `/`, `/history`, `/metrics` | how it went, 200; only where something runs between requests |
//!
//! A query asks by its name alone or with `=1`; anything else in it is passed over. What is a value of this deployment is
//! shown to the operator only; `?details` says who is not the operator, with 401, so that a browser asks for the token.

use crate::history::HistoryDocument;
use crate::{Document, Kind, MEDIA_TYPE, Status, StepDocument, View};
use std::fmt::Write as _;

/// The media type of what is neither text nor a report.
const JSON: &str = "application/json";
/// The media type of the page.
const HTML: &str = "text/html; charset=utf-8";
/// The media type of everything that is not a document.
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
    /// `/history`.
    History,
    /// `/metrics`.
    Metrics,
    /// `/`.
    Page,
    /// `/probe`.
    Probe,
}

impl Route {
    /// The route of a path, if it is one of the probe's.
    pub fn of(path: &str) -> Option<Self> {
        match path {
            "/livez" => Some(Self::Livez),
            "/readyz" => Some(Self::Readyz),
            "/healthz" => Some(Self::Healthz),
            "/history" => Some(Self::History),
            "/metrics" => Some(Self::Metrics),
            "/" => Some(Self::Page),
            "/probe" => Some(Self::Probe),
            _ => None,
        }
    }

    /// Whether a platform or a monitor probes it. The others are for people.
    pub fn is_a_probe(self) -> bool {
        matches!(self, Self::Livez | Self::Readyz | Self::Healthz)
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
    /// How it went.
    History,
    /// The same in numbers.
    Metrics,
    /// The same for a browser.
    Page,
    /// A check now, of a cache that is configured by name, in numbers.
    Probe,
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
        Route::History => Asked::History,
        Route::Metrics => Asked::Metrics,
        Route::Page => Asked::Page,
        Route::Probe => Asked::Probe,
    })
}

/// Refuses a request that insists on the details and may not see them.
pub fn may_have(view: View, query: &str) -> Result<(), Answer> {
    match view {
        View::Public if asks(query, "details") => Err(Answer::not_the_operator()),
        _ => Ok(()),
    }
}

/// The value of a name in a query, as it stands there.
pub fn value<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(n, _)| *n == name).map(|(_, value)| value)
}

/// Whether a query asks for something: `?name` or `?name=1`.
fn asks(query: &str, name: &str) -> bool {
    query
        .split('&')
        .any(|pair| matches!(pair.split_once('='), Some((n, "1")) if n == name) || pair == name)
}

/// The verdict, as far as `/readyz` says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Pass or warn.
    Usable,
    /// Fail, with this kind.
    Failing(Kind),
    /// There is none yet.
    Unknown,
}

impl Verdict {
    /// Of a report with this failure.
    pub fn of(failure: Option<Kind>) -> Self {
        failure.map_or(Self::Usable, Self::Failing)
    }
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

    /// The history, rendered.
    pub fn history(body: Vec<u8>) -> Self {
        Self {
            status: 200,
            headers: vec![("content-type", JSON), ("cache-control", "no-store")],
            body,
        }
    }

    /// 400: the cache that was named is none of those that are configured.
    pub fn no_such_target() -> Self {
        Self::text(
            400,
            "no such target: name one of CACHE_HEALTH_TARGETS_FILE\n",
        )
    }

    /// What the doctor says.
    pub fn doctor(text: String) -> Self {
        Self::text(200, text)
    }

    /// What is measured, of this media type.
    pub fn metrics(media: &'static str, text: String) -> Self {
        Self {
            status: 200,
            headers: vec![("content-type", media), ("cache-control", "no-store")],
            body: text.into(),
        }
    }

    /// The status page, which may do what this policy says (CSP) and nothing else.
    pub fn page(policy: &'static str, body: String) -> Self {
        Self {
            status: 200,
            headers: vec![
                ("content-type", HTML),
                ("cache-control", "no-store"),
                ("content-security-policy", policy),
                ("x-content-type-options", "nosniff"),
                ("referrer-policy", "no-referrer"),
                ("vary", "authorization"),
            ],
            body: body.into(),
        }
    }

    /// 304: the page is the one that whoever asks has.
    pub fn not_modified() -> Self {
        Self {
            status: 304,
            headers: vec![("cache-control", "no-store"), ("vary", "authorization")],
            body: Vec::new(),
        }
    }

    /// 404 for the history and the metrics where nothing runs between requests.
    pub fn nothing_remembered() -> Self {
        let body = "nothing runs between requests on this host: no history, no metrics\n";
        Self::text(404, body)
    }

    /// 401: the details are the operator's.
    fn not_the_operator() -> Self {
        let body = "the details are for whoever has the operator's token\n";
        Self::text(401, body).with("www-authenticate", "Basic realm=\"cache-health\"")
    }

    /// 421: the request names a host that nobody calls this listener by (RFC 9110, 15.5.20).
    pub fn misdirected() -> Self {
        Self::text(
            421,
            "this listener is called by an address or as localhost\n",
        )
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

    /// The answer of `/readyz`. `reason`: why not to send traffic. `verdict`: a replica that is ready all the same says
    /// one that is not good. `newest`: the document whose steps are shown.
    pub fn ready(reason: Option<&str>, verdict: Verdict, newest: Option<&Document>) -> Self {
        let mut body = newest.map_or_else(String::new, steps);
        body += &match (reason, verdict) {
            (Some(reason), _) => format!("not ready: {reason}\n"),
            (None, Verdict::Usable) => "ok\n".to_owned(),
            (None, Verdict::Unknown) => "ok\nverdict: unknown\n".to_owned(),
            (None, Verdict::Failing(kind)) => format!("ok\nverdict: fail, {kind}\n"),
        };
        Self::text(if reason.is_none() { 200 } else { 503 }, body)
    }

    fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }
}

/// A history as JSON.
pub fn render_history(history: &HistoryDocument) -> Vec<u8> {
    serde_json::to_vec(history).unwrap_or_default()
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
    fn whoever_insists_on_the_details_is_told_that_they_are_the_operators() {
        let refused = may_have(View::Public, "fresh&details").expect_err("refused");
        assert_eq!(refused.status, 401);
        assert!(
            refused
                .headers
                .iter()
                .any(|(name, _)| *name == "www-authenticate")
        );
        assert_eq!(may_have(View::Public, "fresh"), Ok(()));
        assert_eq!(may_have(View::Details, "details=1"), Ok(()));
    }

    #[test]
    fn a_replica_that_is_ready_says_a_verdict_that_fails() {
        let body = |reason, verdict| {
            let answer = Answer::ready(reason, verdict, None);
            (answer.status, String::from_utf8(answer.body).expect("text"))
        };
        let failing = Verdict::Failing(Kind::Connect);
        for (reason, verdict, status, said) in [
            (None, Verdict::Usable, 200, "ok\n"),
            (None, failing, 200, "ok\nverdict: fail, connect\n"),
            (None, Verdict::Unknown, 200, "ok\nverdict: unknown\n"),
            (Some("connect"), failing, 503, "not ready: connect\n"),
        ] {
            assert_eq!(body(reason, verdict), (status, said.to_owned()));
        }
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
