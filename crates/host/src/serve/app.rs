//! What all requests share.

use crate::clock;
use crate::metrics::Metrics;
use crate::provider::Provider;
use crate::replica::Replica;
use crate::sample::Sample;
use crate::serve::custom::CustomComponent;
use crate::serve::flight::Flights;
use crate::serve::history::{Beat, Frame, History};
use crate::serve::page::{self, Shown};
use crate::serve::probe::Targets;
use crate::serve::respond::{Response, placed, respond};
use crate::serve::series::{Judgement, Readiness, Series};
use crate::telemetry::{Exports, Telemetry};
use crate::verdict::{self, Proof};
use bytes::Bytes;
use cache_health_provider::ConfigError;
use cache_health_report::history::{Course, ExportsDocument, HistoryDocument};
use cache_health_report::probe::Answer;
use cache_health_report::{View, probe};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// The most requests that may wait for a check at once; one more is answered with 503.
pub const MAX_IN_FLIGHT: usize = 256;

/// The most long answers of a component that may be under way to their clients at once; one more is answered with 503.
const MAX_UNSENT: usize = 64;

/// What all requests share.
#[derive(Clone)]
pub struct App(Arc<Shared>);

struct Shared {
    provider: Arc<Provider>,
    flights: Flights,
    custom: Option<Arc<CustomComponent>>,
    samples: Mutex<Samples>,
    metrics: Metrics,
    telemetry: Option<Telemetry>,
    targets: Targets,
    version: String,
    first_sample: Notify,
    judgement: Judgement,
    replica: Replica,
    /// In seconds since 1970-01-01T00:00:00Z.
    started: i64,
    draining: AtomicBool,
    in_flight: Arc<Semaphore>,
    unsent: Arc<Semaphore>,
}

/// What the samples said.
#[derive(Default)]
struct Samples {
    series: Series,
    history: History,
    /// The history as JSON in each view, until the next sample: it has up to a hundred kilobytes.
    rendered: [Option<Bytes>; 2],
    /// The status page in each view, with what tells it from the next.
    pages: [Option<(String, Bytes)>; 2],
}

impl App {
    /// The state before the first sample.
    pub fn new(
        provider: Arc<Provider>,
        flights: Flights,
        custom: Option<CustomComponent>,
        replica: Replica,
        telemetry: Option<Telemetry>,
        targets: Targets,
        version: &str,
    ) -> Self {
        let exports = telemetry.as_ref().map(Telemetry::exports);
        Self(Arc::new(Shared {
            judgement: Judgement::of(&provider.config),
            flights,
            custom: custom.map(Arc::new),
            metrics: Metrics::new(Arc::clone(&provider.cache.counts), exports, version),
            telemetry,
            targets,
            version: version.to_owned(),
            samples: Mutex::default(),
            first_sample: Notify::new(),
            provider,
            replica,
            started: clock::wall_seconds(),
            draining: AtomicBool::new(false),
            in_flight: Arc::new(Semaphore::new(MAX_IN_FLIGHT)),
            unsent: Arc::new(Semaphore::new(MAX_UNSENT)),
        }))
    }

    /// Makes a check for a caller; see [`Flights::check`].
    pub async fn check(&self, proof: Proof) -> Arc<Sample> {
        self.0.flights.check(proof).await
    }

    /// Somebody else's component, if there is one.
    pub fn custom(&self) -> Option<&Arc<CustomComponent>> {
        self.0.custom.as_ref()
    }

    /// Whether this `Authorization` header is the operator's.
    pub async fn may_see_details(&self, authorization: Option<&str>) -> bool {
        self.0.provider.may_see_details(authorization).await
    }

    /// Whether the operator's token is in this header; an error where that cannot be told.
    pub async fn carries_the_token(&self, header: &[u8]) -> Result<bool, ConfigError> {
        self.0.provider.carries_the_token(header).await
    }

    /// Room for one more request that waits; none when there is not.
    pub fn admit(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0.in_flight).try_acquire_owned().ok()
    }

    /// A component's answer with its place among those that are being sent, where it is a long one.
    pub fn hold(&self, answer: Response) -> Response {
        placed(answer, &self.0.unsent).unwrap_or_else(|| respond(Answer::too_many()))
    }

    /// Takes a sample in.
    pub fn record(&self, sample: Arc<Sample>) {
        let mut samples = self.0.samples.lock();
        let changed = samples.history.push(&sample);
        self.0.metrics.record(&sample, changed);
        if let Some(telemetry) = &self.0.telemetry {
            telemetry.observe(&sample, changed);
        }
        if changed {
            verdict::log(&sample.document(View::Details));
        }
        samples.series.push(sample, self.0.judgement);
        samples.rendered = Default::default();
        self.0.first_sample.notify_one();
    }

    /// How much later than it asked the sampler woke up.
    pub fn stalled(&self, late: Duration) {
        self.0.metrics.stalled(late);
    }

    /// What is measured, as a scrape asks for it: the media type and the text.
    pub fn scrape(&self, accept: &str) -> (&'static str, String) {
        self.0.metrics.in_force(self.readiness().newest.status());
        self.0.metrics.scrape(accept)
    }

    /// Waits for the first sample.
    pub async fn first_sample(&self) {
        self.0.first_sample.notified().await;
    }

    /// Whether to send traffic, shutdown aside.
    pub fn readiness(&self) -> Readiness {
        let samples = self.0.samples.lock();
        samples.series.readiness(self.0.judgement, clock::now())
    }

    /// What the next heartbeat says, and how the verdict has been.
    pub fn beat(&self) -> (Beat, Option<Course>) {
        let mut samples = self.0.samples.lock();
        (samples.history.beat(), samples.history.verdict)
    }

    /// How it went, as JSON.
    pub fn history(&self, view: View) -> Bytes {
        let mut samples = self.0.samples.lock();
        let at = usize::from(view == View::Details);
        if let Some(rendered) = &samples.rendered[at] {
            return rendered.clone();
        }
        let document = self.history_document(&samples, view);
        let rendered = Bytes::from(probe::render_history(&document));
        samples.rendered[at] = Some(rendered.clone());
        rendered
    }

    fn history_document(&self, samples: &Samples, view: View) -> HistoryDocument {
        let frame = Frame {
            version: env!("CARGO_PKG_VERSION"),
            replica: &self.0.replica.name,
            revision: &self.0.replica.revision,
            started: self.0.started,
            now: clock::wall_seconds(),
            clock: clock::now(),
            interval: self.interval(),
            exports: self.exports(),
        };
        samples.history.document(&frame, view)
    }

    /// The status page with what tells it from the next, rendered once however many ask. The page is none for whoever has it.
    pub fn page(&self, view: View, had: Option<&str>) -> (String, Option<Bytes>) {
        let mut samples = self.0.samples.lock();
        let readiness = samples.series.readiness(self.0.judgement, clock::now());
        // How many samples there were, and whether the newest counts.
        let counts = readiness.newest.sample().is_some();
        let (started, checks) = (self.0.started, samples.history.checks);
        let etag = format!("\"{started}-{checks}-{counts}-{}\"", view == View::Details);
        if had == Some(&*etag) {
            return (etag, None);
        }
        let at = usize::from(view == View::Details);
        let kept = samples.pages[at].as_ref().filter(|(of, _)| *of == etag);
        if let Some((_, page)) = kept {
            return (etag, Some(page.clone()));
        }
        let page = page::render(&Shown {
            document: readiness.newest.document(view).as_ref(),
            history: &self.history_document(&samples, view),
            view,
            etag: &etag,
        });
        let page = Bytes::from(page);
        samples.pages[at] = Some((etag.clone(), page.clone()));
        (etag, Some(page))
    }

    /// How exports of telemetry went.
    fn exports(&self) -> Vec<ExportsDocument> {
        let exports = self.0.telemetry.as_ref().map(Telemetry::exports);
        let all = exports.iter().flat_map(|exports| exports.iter());
        all.map(Exports::read).collect()
    }

    /// How far apart the samples are.
    pub fn interval(&self) -> Duration {
        self.0.provider.config.interval
    }

    /// The caches that can be probed by name.
    pub fn targets(&self) -> &Targets {
        &self.0.targets
    }

    /// The version of this program, with its revision.
    pub fn version(&self) -> &str {
        &self.0.version
    }

    /// Which replica this is.
    pub fn replica(&self) -> &Replica {
        &self.0.replica
    }

    /// Everything is answered: from now on, a component may end.
    pub fn close(&self) {
        self.custom().into_iter().for_each(|custom| custom.close());
    }

    /// From now on, not ready.
    pub fn drain(&self) {
        self.0.draining.store(true, Ordering::Relaxed);
    }

    /// Whether a shutdown is under way.
    pub fn is_draining(&self) -> bool {
        self.0.draining.load(Ordering::Relaxed)
    }
}
