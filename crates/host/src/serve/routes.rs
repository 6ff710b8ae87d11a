//! Which route a request is for, and what each answers.

use crate::clock;
use crate::serve::app::App;
use crate::serve::foreign::Foreign;
use crate::serve::respond::{self, Response};
use crate::serve::series::Readiness;
use crate::verdict::{self, Proof};
use cache_health_report::Kind;
use http::{Method, Request, StatusCode};
use hyper::body::{Body as _, Incoming};
use std::sync::Arc;

/// Answers a request.
pub async fn answer(app: &App, request: Request<Incoming>) -> Response {
    let path = request.uri().path();
    if !matches!(path, "/livez" | "/readyz" | "/healthz") {
        return match app.foreign() {
            Some(foreign) => forward(app, foreign, request).await,
            None => respond::text(StatusCode::NOT_FOUND, "no such route; try /healthz\n"),
        };
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return respond::method_not_allowed();
    }
    // No route of ours takes a body, so none is read.
    if !request.body().is_end_stream() {
        return respond::body_not_allowed();
    }
    let query = request.uri().query().unwrap_or_default();
    match path {
        "/livez" => respond::text(StatusCode::OK, "ok\n"),
        "/readyz" => readyz(app, asks(query, "verbose")),
        _ if asks(query, "new-connection") => fresh(app, Proof::Cold).await,
        _ if asks(query, "fresh") => fresh(app, Proof::Warm).await,
        _ => healthz(app).await,
    }
}

/// Lets somebody else's component answer. A client that goes away makes no room: its request keeps an
/// instance busy until it is answered or out of time.
async fn forward(app: &App, foreign: &Arc<Foreign>, request: Request<Incoming>) -> Response {
    let Some(room) = app.admit() else {
        return respond::too_many();
    };
    let foreign = Arc::clone(foreign);
    let answer = tokio::spawn(async move {
        let _room = room;
        foreign.answer(request).await
    });
    answer.await.unwrap_or_else(|_| respond::no_answer())
}

/// Whether a query asks for something: `?name` or `?name=1`.
fn asks(query: &str, name: &str) -> bool {
    query
        .split('&')
        .any(|pair| matches!(pair.split_once('='), Some((n, "1")) if n == name) || pair == name)
}

fn readyz(app: &App, verbose: bool) -> Response {
    let readiness = app.readiness();
    let reason = if app.is_draining() {
        Some("draining")
    } else {
        readiness.reason()
    };
    respond::readiness(&readiness, reason, verbose)
}

async fn fresh(app: &App, proof: Proof) -> Response {
    let Some(_room) = app.admit() else {
        return respond::too_many();
    };
    let asked = clock::now();
    let sample = app.check(proof).await;
    if sample.at < asked {
        // The last caller's.
        return respond::document(&sample.aged());
    }
    respond::sample(&sample)
}

async fn healthz(app: &App) -> Response {
    let Some(sample) = app.newest() else {
        // Nothing is known yet: the first check is under way.
        return fresh(app, Proof::Warm).await;
    };
    if let Readiness::Stale(age) = app.readiness() {
        let output = format!("The newest sample is {} s old", age.as_secs());
        let remedy = "The probe itself stopped sampling: look at its log and its CPU limit, then \
                      restart it.";
        return respond::document(&verdict::failure(Kind::Stale, &output, remedy));
    }
    respond::document(&sample.aged())
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
}
