//! Which route a request is for, and what each answers, by the probe protocol of `cache-health-report`.

use crate::clock;
use crate::serve::app::App;
use crate::serve::custom::CustomComponent;
use crate::serve::respond::{Response, respond, respond_shared};
use crate::serve::series::{Readiness, Sample};
use crate::verdict::{self, Proof};
use cache_health_report::probe::{self, Answer, Asked, Route};
use cache_health_report::{Document, Failure, Kind, View};
use http::Request;
use hyper::body::{Body as _, Incoming};
use std::sync::Arc;

/// Answers a request.
pub async fn answer(app: &App, request: Request<Incoming>) -> Response {
    let Some(route) = Route::of(request.uri().path()) else {
        return match app.custom() {
            Some(custom) => forward(app, custom, request).await,
            None => respond(Answer::no_such_route()),
        };
    };
    let query = request.uri().query().unwrap_or_default();
    let has_body = !request.body().is_end_stream();
    match probe::read(route, request.method().as_str(), query, has_body) {
        Err(refused) => respond(refused),
        Ok(Asked::Live) => respond(Answer::live()),
        Ok(Asked::Ready { verbose }) => readyz(app, verbose),
        Ok(Asked::Newest) => newest(app).await,
        Ok(Asked::Fresh) => fresh(app, Proof::Kept).await,
        Ok(Asked::NewConnection) => fresh(app, Proof::NewConnection).await,
    }
}

/// There is no operator's token yet: everybody has the details.
const VIEW: View = View::Details;

/// Lets somebody else's component answer. A client that goes away makes no room: its request keeps an
/// instance busy until it is answered or out of time.
async fn forward(app: &App, custom: &Arc<CustomComponent>, request: Request<Incoming>) -> Response {
    let Some(room) = app.admit() else {
        return respond(Answer::too_many());
    };
    let custom = Arc::clone(custom);
    let answer = tokio::spawn(async move {
        let _room = room;
        custom.answer(request).await
    });
    answer
        .await
        .unwrap_or_else(|_| respond(Answer::no_answer()))
}

fn readyz(app: &App, verbose: bool) -> Response {
    let readiness = app.readiness();
    let reason = if app.is_draining() {
        Some("draining")
    } else {
        readiness.reason()
    };
    let shown = readiness.sample().filter(|_| verbose);
    let document = shown.map(|sample| sample.document(View::Public));
    respond(Answer::ready(reason, document.as_ref()))
}

async fn fresh(app: &App, proof: Proof) -> Response {
    let Some(_room) = app.admit() else {
        return respond(Answer::too_many());
    };
    let asked = clock::now();
    let sample = app.check(proof).await;
    if sample.at < asked {
        // The last caller's.
        return respond(Answer::document(&sample.document(VIEW)));
    }
    whole(&sample)
}

/// A sample as it was had, rendered once however many ask.
fn whole(sample: &Sample) -> Response {
    let answer = Answer::rendered(sample.report.status, Vec::new());
    respond_shared(answer, sample.rendered(VIEW))
}

async fn newest(app: &App) -> Response {
    let Some(sample) = app.newest() else {
        // Nothing is known yet: the first check is under way.
        return fresh(app, Proof::Kept).await;
    };
    if let Readiness::Stale(age) = app.readiness() {
        let stale = Failure::of(Kind::Stale).with("sample.ageSeconds", age.as_secs().to_string());
        let document = Document::of(verdict::failure(&stale), VIEW);
        return respond(Answer::document(&document));
    }
    respond(Answer::document(&sample.document(VIEW)))
}
