//! Which route a request is for, and what each answers, by the probe protocol of `cache-health-report`.

use crate::clock;
use crate::sample::Sample;
use crate::serve::app::App;
use crate::serve::custom::CustomComponent;
use crate::serve::listeners::Door;
use crate::serve::page;
use crate::serve::probe as targets;
use crate::serve::respond::{Response, respond, respond_shared};
use crate::verdict::Proof;
use cache_health_report::View;
use cache_health_report::probe::{self, Answer, Asked, Route};
use http::header::{ACCEPT, AUTHORIZATION, ETAG, HeaderValue, IF_NONE_MATCH};
use http::{HeaderMap, HeaderName, Request};
use hyper::body::{Body as _, Incoming};
use std::sync::Arc;

/// How long a scrape waits, as Prometheus says it.
const SCRAPE_TIMEOUT: HeaderName = HeaderName::from_static("x-prometheus-scrape-timeout-seconds");

/// Answers a request.
pub async fn answer(app: &App, door: Door, request: Request<Incoming>) -> Response {
    if !door.answers_to(request.headers()) {
        return respond(Answer::misdirected());
    }
    let ours = Route::of(request.uri().path());
    let custom = app.custom().filter(|_| door == Door::Main);
    let route = match (ours, custom) {
        (Some(route), None) => route,
        (Some(route), Some(_)) if route.is_a_probe() => route,
        (_, Some(custom)) => return forward(app, custom, request).await,
        (None, None) => return respond(Answer::no_such_route()),
    };
    let query = request.uri().query().unwrap_or_default();
    let has_body = !request.body().is_end_stream();
    let asked = match probe::read(route, request.method().as_str(), query, has_body) {
        Ok(asked) => asked,
        Err(refused) => return respond(refused),
    };
    let view = view(app, door, asked, request.headers()).await;
    if let Err(refused) = probe::may_have(asked, view, query) {
        return respond(refused);
    }
    let headers = request.headers();
    let accept = header(headers, ACCEPT).unwrap_or_default();
    match asked {
        Asked::Live => respond(Answer::live()),
        Asked::Ready { verbose } => readyz(app, verbose),
        Asked::Newest => newest(app, view).await,
        Asked::Fresh => fresh(app, Proof::Kept, view).await,
        Asked::NewConnection => fresh(app, Proof::NewConnection, view).await,
        Asked::History => respond_shared(Answer::history(Vec::new()), app.history(view)),
        Asked::Metrics => {
            let (media, text) = app.scrape(accept);
            respond(Answer::metrics(media, text))
        }
        Asked::Page => page(app, view, header(headers, IF_NONE_MATCH)),
        Asked::Probe => probe_target(app, view, headers, query).await,
    }
}

/// A check of the cache that a query names.
async fn probe_target(app: &App, view: View, headers: &HeaderMap, query: &str) -> Response {
    let Some(_room) = app.admit() else {
        return respond(Answer::too_many());
    };
    let named = probe::value(query, "target").and_then(targets::named);
    let wait = targets::scrape_timeout(header(headers, SCRAPE_TIMEOUT));
    let probed = match &named {
        Some(name) => app.targets().probe(name, wait).await,
        None => None,
    };
    let Some(probed) = probed else {
        return respond(Answer::no_such_target());
    };
    if view == View::Details && probe::value(query, "debug") == Some("true") {
        let text = probed.doctor(app.replica(), app.version());
        return respond(Answer::doctor(text));
    }
    let accept = header(headers, ACCEPT).unwrap_or_default();
    let (media, text) = probed.scrape(accept);
    respond(Answer::metrics(media, text))
}

/// The status page, unless whoever asks has it.
fn page(app: &App, view: View, had: Option<&str>) -> Response {
    let (etag, page) = app.page(view, had);
    let mut response = match page {
        None => respond(Answer::not_modified()),
        Some(page) => respond_shared(Answer::page(page::POLICY.as_str(), Vec::new()), page),
    };
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        response.headers_mut().insert(ETAG, etag);
    }
    response
}

/// Who asks: by the port and by the token, and never by an address, which a proxy in the replica lends to everybody. Of
/// what is the same for everybody nobody waits for a file with a token; of the rest only so many at once.
async fn view(app: &App, door: Door, asked: Asked, headers: &HeaderMap) -> View {
    let authorization = header(headers, AUTHORIZATION);
    if door == Door::Admin {
        return View::Details;
    }
    if asked.is_the_same_for_everybody() || authorization.is_none() {
        return View::Public;
    }
    let Some(_room) = app.admit() else {
        return View::Public;
    };
    if app.may_see_details(authorization).await {
        View::Details
    } else {
        View::Public
    }
}

fn header(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// Lets somebody else's component answer. It never sees the operator's token. A client that goes away makes no room: its
/// request keeps an instance busy until it is answered or out of time.
async fn forward(
    app: &App,
    custom: &Arc<CustomComponent>,
    mut request: Request<Incoming>,
) -> Response {
    let Some(room) = app.admit() else {
        return respond(Answer::too_many());
    };
    if carries_the_token(app, request.headers()).await {
        request.headers_mut().remove(AUTHORIZATION);
    }
    let custom = Arc::clone(custom);
    let answer = tokio::spawn(async move {
        let _room = room;
        custom.answer(request).await
    });
    let answer = answer.await;
    app.hold(answer.unwrap_or_else(|_| respond(Answer::no_answer())))
}

/// Whether any of the headers does (there may be more than one), in whatever form, or may: what cannot be compared is not
/// passed on.
async fn carries_the_token(app: &App, headers: &HeaderMap) -> bool {
    for header in headers.get_all(AUTHORIZATION) {
        if app.carries_the_token(header.as_bytes()).await != Ok(false) {
            return true;
        }
    }
    false
}

fn readyz(app: &App, verbose: bool) -> Response {
    let readiness = app.readiness();
    let reason = if app.is_draining() {
        Some("draining")
    } else {
        readiness.reason
    };
    let shown = readiness.newest.sample().filter(|_| verbose);
    let document = shown.map(|sample| sample.document(View::Public));
    let verdict = readiness.newest.verdict();
    respond(Answer::ready(reason, verdict, document.as_ref()))
}

async fn fresh(app: &App, proof: Proof, view: View) -> Response {
    let Some(_room) = app.admit() else {
        return respond(Answer::too_many());
    };
    let asked = clock::now();
    let sample = app.check(proof).await;
    if sample.at < asked {
        // The last caller's.
        return respond(Answer::document(&sample.document(view)));
    }
    whole(&sample, view)
}

/// A sample as it was had, rendered once however many ask.
fn whole(sample: &Sample, view: View) -> Response {
    let answer = Answer::rendered(sample.report.status, Vec::new());
    respond_shared(answer, sample.rendered(view))
}

async fn newest(app: &App, view: View) -> Response {
    match app.readiness().newest.document(view) {
        Some(document) => respond(Answer::document(&document)),
        // Nothing is known yet: the first check is under way.
        None => fresh(app, Proof::Kept, view).await,
    }
}
