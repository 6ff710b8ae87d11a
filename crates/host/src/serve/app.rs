//! What all requests share.

use crate::clock;
use crate::serve::custom::CustomComponent;
use crate::serve::flight::Flights;
use crate::serve::series::{Judgement, Readiness, Sample, Series};
use crate::verdict::Proof;
use cache_health_provider::Config;
use cache_health_report::View;
use parking_lot::{Mutex, MutexGuard};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Semaphore;
use tracing::info;

/// The most requests that may wait for a check at once; one more is answered with 503.
pub const MAX_IN_FLIGHT: usize = 256;

/// What all requests share.
#[derive(Clone)]
pub struct App(Arc<Shared>);

struct Shared {
    flights: Flights,
    custom: Option<Arc<CustomComponent>>,
    series: Mutex<Series>,
    judgement: Judgement,
    draining: AtomicBool,
    in_flight: Arc<Semaphore>,
}

impl App {
    /// The state before the first sample.
    pub fn new(flights: Flights, custom: Option<CustomComponent>, config: &Config) -> Self {
        Self(Arc::new(Shared {
            flights,
            custom: custom.map(Arc::new),
            series: Mutex::default(),
            judgement: Judgement::new(config.failures, config.interval, config.timeout),
            draining: AtomicBool::new(false),
            in_flight: Arc::new(Semaphore::new(MAX_IN_FLIGHT)),
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

    /// Room for one more request that waits; none when there is not.
    pub fn admit(&self) -> Option<tokio::sync::OwnedSemaphorePermit> {
        Arc::clone(&self.0.in_flight).try_acquire_owned().ok()
    }

    /// Takes a sample in.
    pub fn record(&self, sample: Arc<Sample>) {
        let mut series = self.series();
        let status = sample.report.status;
        let before = series.newest().map(|newest| newest.report.status);
        if before != Some(status) {
            let failure = sample.failure_kind().map(|kind| kind.as_str());
            let output = sample.document(View::Details).output;
            info!(status = status.as_str(), failure, output, "verdict");
        }
        series.push(sample, self.0.judgement);
    }

    /// The newest sample.
    pub fn newest(&self) -> Option<Arc<Sample>> {
        self.series().newest().map(Arc::clone)
    }

    /// Whether to send traffic, shutdown aside.
    pub fn readiness(&self) -> Readiness {
        self.series().readiness(self.0.judgement, clock::now())
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

    fn series(&self) -> MutexGuard<'_, Series> {
        self.0.series.lock()
    }
}
