//! The status page: one document that fetches nothing, for a browser, a phone and a screen reader. It is made of the same
//! documents as `/healthz` and `/history`, in the view of whoever asks: what is not in them cannot be on it.
//!
//! Whatever comes from the network is text: maud escapes it, and the policy of the page runs no script but its own.

mod chart;
mod history;
mod verdict;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use cache_health_report::history::HistoryDocument;
use cache_health_report::{Document, View};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use ring::digest::{SHA256, digest};
use std::sync::LazyLock;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// What the page may do: its own style, its own script, and to ask for itself.
pub static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = |text: &str| BASE64_STANDARD.encode(digest(&SHA256, text.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; connect-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
});

/// What is on it.
pub struct Shown<'a> {
    /// The verdict that is in force; none before the first.
    pub document: Option<&'a Document>,
    /// How it went.
    pub history: &'a HistoryDocument,
    /// Who asks.
    pub view: View,
    /// What tells this page from the next.
    pub etag: &'a str,
}

/// The page.
pub fn render(shown: &Shown<'_>) -> String {
    let answer = verdict::answer(shown.document);
    let page = html! {
        (DOCTYPE)
        html lang="en" data-etag=(shown.etag) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (answer) " · cache-health" }
                noscript { meta http-equiv="refresh" content="10"; }
                style { (PreEscaped(STYLE)) }
            }
            body {
                div id="away" role="status" aria-live="polite" {}
                main { (contents(shown)) }
                footer { (footer(shown)) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

fn contents(shown: &Shown<'_>) -> Markup {
    html! {
        (verdict::heading(shown))
        @if let Some(document) = shown.document {
            (verdict::findings(document))
            (verdict::steps(document))
            (verdict::session(document))
        }
        (history::connections(shown.history))
        (history::results(shown.history))
        (history::day(shown.history))
        (history::failures(shown.history))
    }
}

fn footer(shown: &Shown<'_>) -> Markup {
    let history = shown.history;
    html! {
        p {
            "cache-health " (history.version) ", up since " (time(&history.started)) ", a check every "
            (history.interval_seconds) " s. "
            @if let Some(replica) = &history.replica { "Replica " (replica) ". " }
            @if let Some(revision) = &history.revision { "Revision " (revision) ". " }
        }
        @if shown.view == View::Public {
            p { a href="/?details=1" { "Details, for the operator" } }
        }
        p {
            a href="/healthz" { "Report" } " · " a href="/history" { "History" } " · " a href="/metrics" { "Metrics" }
        }
    }
}

/// A time, for people and for programs.
fn time(text: &str) -> Markup {
    let shown = text.replace('T', " ").replace('Z', " UTC");
    html! { time datetime=(text) { (shown) } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict as made;
    use cache_health_report::{Failure, Finding, Kind};

    fn history() -> HistoryDocument {
        serde_json::from_value(serde_json::json!({
            "version": "0", "replica": null, "revision": null, "started": "2026-11-27T00:00:00Z",
            "time": "2026-11-27T00:00:00Z", "intervalSeconds": 10.0, "checks": 0, "failures": 0, "changes": 0,
            "verdict": null, "keptConnection": null, "newConnection": null, "results": [], "failed": [], "minutes": []
        }))
        .expect("a history")
    }

    fn page(document: Option<&Document>, view: View) -> String {
        render(&Shown {
            document,
            history: &history(),
            view,
            etag: "\"1\"",
        })
    }

    #[test]
    fn what_comes_from_the_network_is_text() {
        let mut report = made::failure(&Failure::of(Kind::Internal));
        report.failure = report.failure.map(|finding| Finding {
            output: "<script>alert(1)</script>".into(),
            remedy: "\"><img src=x onerror=alert(1)>".into(),
            ..finding
        });
        let document = Document::of(report, View::Details);
        let page = page(Some(&document), View::Details);
        assert!(
            !page.contains("<script>alert") && !page.contains("<img"),
            "{page}"
        );
        assert!(page.contains("&lt;script&gt;alert(1)"), "{page}");
    }

    #[test]
    fn a_page_has_no_style_and_no_handler_that_its_policy_forbids() {
        let page = page(None, View::Public);
        for forbidden in [" style=", " onclick=", "javascript:", "http://", "src="] {
            assert!(!page.contains(forbidden), "{forbidden} in {page}");
        }
        assert!(POLICY.contains("script-src 'sha256-") && !POLICY.contains("unsafe"));
    }

    #[test]
    fn only_who_may_not_see_the_details_is_shown_the_way_to_them() {
        assert!(page(None, View::Public).contains("/?details=1"));
        assert!(!page(None, View::Details).contains("/?details=1"));
    }
}
