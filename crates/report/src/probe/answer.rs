//! What is answered: statuses, headers, texts.

use crate::history::HistoryDocument;
use crate::{Document, Kind, MEDIA_TYPE, Status, StepDocument};
use std::fmt::Write as _;

/// The media type of what is neither text nor a report.
const JSON: &str = "application/json";
/// The media type of the page.
const HTML: &str = "text/html; charset=utf-8";
/// The media type of everything that is not a document.
const TEXT: &str = "text/plain; charset=utf-8";

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
    /// No answer is kept by a cache.
    fn of(status: u16, media: &'static str, body: Vec<u8>) -> Self {
        Self {
            status,
            headers: vec![("content-type", media), ("cache-control", "no-store")],
            body,
        }
    }

    /// Plain text.
    pub fn text(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::of(status, TEXT, body.into())
    }

    /// A document.
    pub fn document(document: &Document) -> Self {
        Self::rendered(document.status, render(document))
    }

    /// A document that was rendered before, with this verdict.
    pub fn rendered(status: Status, body: Vec<u8>) -> Self {
        Self::of(http_status(status), MEDIA_TYPE, body)
    }

    /// The history, rendered.
    pub fn history(body: Vec<u8>) -> Self {
        Self::of(200, JSON, body)
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
        Self::of(200, media, text.into())
    }

    /// The status page, which may do what this policy says (CSP) and nothing else.
    pub fn page(policy: &'static str, body: Vec<u8>) -> Self {
        Self::of(200, HTML, body)
            .with("content-security-policy", policy)
            .with("x-content-type-options", "nosniff")
            .with("referrer-policy", "no-referrer")
            .with("vary", "authorization")
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
    pub(super) fn not_the_operator() -> Self {
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

    pub(super) fn with(mut self, name: &'static str, value: &'static str) -> Self {
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
}
