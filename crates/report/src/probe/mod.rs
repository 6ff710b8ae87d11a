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

mod answer;

pub use answer::{Answer, Verdict, render, render_history};

use crate::View;

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

impl Asked {
    /// Whether the operator sees of it what everybody sees.
    pub fn is_the_same_for_everybody(self) -> bool {
        matches!(self, Self::Live | Self::Ready { .. } | Self::Metrics)
    }
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

/// Refuses a request that insists on the details and may not see them, where there are any.
pub fn may_have(asked: Asked, view: View, query: &str) -> Result<(), Answer> {
    let insists = asks(query, "details") && !asked.is_the_same_for_everybody();
    match view {
        View::Public if insists => Err(Answer::not_the_operator()),
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
        let refused = may_have(Asked::Fresh, View::Public, "fresh&details").expect_err("refused");
        assert_eq!(refused.status, 401);
        assert!(
            refused
                .headers
                .iter()
                .any(|(name, _)| *name == "www-authenticate")
        );
        assert_eq!(may_have(Asked::Fresh, View::Public, "fresh"), Ok(()));
        assert_eq!(may_have(Asked::Newest, View::Details, "details=1"), Ok(()));
        let ready = Asked::Ready { verbose: true };
        for same in [Asked::Live, ready, Asked::Metrics] {
            assert_eq!(may_have(same, View::Public, "details"), Ok(()));
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
