//! OpenTelemetry: what the checks said, to a collector. Never in a check's way: what cannot be queued is dropped and
//! counted, and an export that hangs costs its own time limit and nobody else's.

mod export;
mod points;
mod proto;
mod settings;
mod spans;

pub use settings::{Settings, Signal};

use crate::cache::tls::TlsSettings;
use crate::clock;
use crate::files::Files;
use crate::provider::Provider;
use crate::replica::Replica;
use crate::sample::Sample;
use crate::serve::Judgement;
use cache_health_provider::{ConfigError, Variables};
use cache_health_report::history::ExportsDocument;
use export::export;
use parking_lot::Mutex;
use points::{Now, Points};
use proto::{KeyValue, Resource, Scope, attribute};
use settings::{Exporter, Sampler};
use spans::Target;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tracing::{info, warn};

/// How many checks wait to be exported as spans.
const QUEUE: usize = 64;
/// How many checks are in one export of spans.
const BATCH: usize = 32;
/// A check that takes longer is slow, whatever its deadline.
const SLOW: Duration = Duration::from_secs(1);

/// What goes to the collector.
pub struct Telemetry {
    traces: Option<Sender<Arc<Sample>>>,
    points: Option<Arc<Mutex<Points>>>,
    sampler: Sampler,
    slow: Duration,
    exports: Arc<[Exports; 2]>,
}

/// How exports of a signal went.
#[derive(Debug)]
pub struct Exports {
    signal: Signal,
    sent: AtomicU64,
    failed: AtomicU64,
    dropped: AtomicU64,
}

impl Exports {
    fn of(signal: Signal) -> Self {
        Self {
            signal,
            sent: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        }
    }

    /// How they went.
    pub fn read(&self) -> ExportsDocument {
        ExportsDocument {
            signal: self.signal.as_str().to_owned(),
            sent: self.sent.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
        }
    }
}

impl Telemetry {
    /// Starts what is configured. What is wrong with the configuration of telemetry is logged, and stops nothing.
    pub async fn start(
        variables: &dyn Variables,
        provider: &Provider,
        replica: &Replica,
    ) -> Option<Self> {
        let started = async {
            let Some(settings) = Settings::from_variables(variables)? else {
                return Ok(None);
            };
            Self::of(settings, provider, replica).await.map(Some)
        };
        match started.await {
            Ok(telemetry) => telemetry,
            Err(error) => {
                let error: ConfigError = error;
                warn!(%error, "no telemetry");
                None
            }
        }
    }

    async fn of(
        settings: Settings,
        provider: &Provider,
        replica: &Replica,
    ) -> Result<Self, ConfigError> {
        let files = Arc::<Files>::default();
        let tls = tls(&files, &settings).await?;
        let endpoint = &provider.config.endpoint;
        let sender = Sends {
            tls,
            target: Target {
                host: endpoint.host.clone(),
                port: endpoint.port,
                stable_attributes_only: settings.stable_attributes_only,
            },
            resource: resource(&settings, replica),
            exports: Arc::new([Exports::of(Signal::Traces), Exports::of(Signal::Metrics)]),
        };
        let exports = Arc::clone(&sender.exports);
        let sender = Arc::new(sender);
        let traces = settings.traces.map(|exporter| {
            let (queue, waiting) = channel(QUEUE);
            tokio::spawn(Arc::clone(&sender).export_spans(exporter, waiting));
            queue
        });
        let points = settings.metrics.map(|exporter| {
            let stale_after = Judgement::of(&provider.config).stale_after;
            let points = Points::since(clock::wall(), stale_after);
            let points = Arc::new(Mutex::new(points));
            let (every, delta) = (settings.interval, settings.delta);
            tokio::spawn(sender.export_points(exporter, Arc::clone(&points), every, delta));
            points
        });
        Ok(Self {
            traces,
            points,
            sampler: settings.sampler,
            slow: SLOW.min(provider.config.timeout / 2),
            exports,
        })
    }

    /// Takes a sample in. Waits for nobody.
    pub fn observe(&self, sample: &Arc<Sample>, changed: bool) {
        if let Some(points) = &self.points {
            points.lock().add(sample);
        }
        let Some(traces) = self.traces.as_ref().filter(|_| self.tells(sample, changed)) else {
            return;
        };
        if traces.try_send(Arc::clone(sample)).is_err() {
            self.exports[0].dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Whether a check is worth a trace: one every ten seconds and replica is too many.
    fn tells(&self, sample: &Sample, changed: bool) -> bool {
        match self.sampler {
            Sampler::Share(share) => fastrand::f64() < share,
            Sampler::Telling => {
                let report = &sample.report;
                changed
                    || report.broken().is_some()
                    || report.tried_a_new_connection()
                    || sample.took > self.slow
            }
        }
    }

    /// How exports went, by signal.
    pub fn exports(&self) -> Arc<[Exports; 2]> {
        Arc::clone(&self.exports)
    }
}

/// What both signals are sent with.
struct Sends {
    tls: Arc<TlsSettings>,
    target: Target,
    resource: Resource,
    exports: Arc<[Exports; 2]>,
}

impl Sends {
    async fn export_spans(self: Arc<Self>, exporter: Exporter, mut waiting: Receiver<Arc<Sample>>) {
        let mut works = None;
        let mut batch = Vec::new();
        while waiting.recv_many(&mut batch, BATCH).await > 0 {
            let wall = clock::wall();
            let spans = batch.drain(..).flat_map(|sample| {
                let ended = wall.saturating_sub(clock::since(sample.at));
                spans::spans(&sample, &self.target, ended, || fastrand::u64(1..))
            });
            let message = proto::Traces {
                resource_spans: vec![proto::ResourceSpans {
                    resource: Some(self.resource.clone()),
                    scope_spans: vec![proto::ScopeSpans {
                        scope: Some(scope()),
                        spans: spans.collect(),
                    }],
                }],
            };
            let sent = export(&exporter, &self.tls, &message).await;
            self.count(0, sent, &mut works);
        }
    }

    async fn export_points(
        self: Arc<Self>,
        exporter: Exporter,
        points: Arc<Mutex<Points>>,
        every: Duration,
        delta: bool,
    ) {
        let mut works = None;
        loop {
            tokio::time::sleep(every).await;
            let now = Now {
                wall: clock::wall(),
                clock: clock::now(),
            };
            let metrics = points.lock().export(&self.target, now, delta);
            let message = proto::Metrics {
                resource_metrics: vec![proto::ResourceMetrics {
                    resource: Some(self.resource.clone()),
                    scope_metrics: vec![proto::ScopeMetrics {
                        scope: Some(scope()),
                        metrics,
                    }],
                }],
            };
            let sent = export(&exporter, &self.tls, &message).await;
            self.count(1, sent, &mut works);
        }
    }

    /// Counts an export, and logs when it works and when it does not any more.
    fn count(&self, at: usize, sent: Result<(), export::ExportError>, works: &mut Option<bool>) {
        let exports = &self.exports[at];
        let count = if sent.is_ok() {
            &exports.sent
        } else {
            &exports.failed
        };
        count.fetch_add(1, Ordering::Relaxed);
        let before = works.replace(sent.is_ok());
        let signal = exports.signal.as_str();
        match sent {
            Ok(()) if before != Some(true) => info!(signal, "telemetry is exported"),
            Err(error) if before != Some(false) => {
                warn!(signal, %error, "telemetry cannot be exported")
            }
            _ => {}
        }
    }
}

/// What a collector said to an export with nothing in it.
#[derive(Clone, Debug)]
pub struct Tried {
    signal: Signal,
    /// Host and port.
    place: String,
    /// Why it was not taken.
    pub problem: Option<String>,
}

impl Tried {
    /// In a few words.
    pub fn said(&self) -> String {
        let problem = self.problem.as_deref().unwrap_or("taken");
        format!("{} to {}: {problem}", self.signal.as_str(), self.place)
    }
}

/// Tries each export that is configured, with nothing in it.
pub async fn try_out(variables: &dyn Variables) -> Vec<Tried> {
    let misconfigured = |error: ConfigError| Tried {
        signal: Signal::Traces,
        place: "nobody".to_owned(),
        problem: Some(error.to_string()),
    };
    let settings = match Settings::from_variables(variables) {
        Ok(Some(settings)) => settings,
        Ok(None) => return Vec::new(),
        Err(error) => return vec![misconfigured(error)],
    };
    let files = Arc::<Files>::default();
    let tls = match tls(&files, &settings).await {
        Ok(tls) => tls,
        Err(error) => return vec![misconfigured(error)],
    };
    let mut tried = Vec::new();
    for exporter in [settings.traces, settings.metrics].into_iter().flatten() {
        let sent = match exporter.signal {
            Signal::Traces => export(&exporter, &tls, &proto::Traces::default()).await,
            Signal::Metrics => export(&exporter, &tls, &proto::Metrics::default()).await,
        };
        tried.push(Tried {
            signal: exporter.signal,
            place: place(&exporter.uri),
            problem: sent.err().map(|error| error.to_string()),
        });
    }
    tried
}

/// Host and port, and nothing else: an address can have a password in it.
fn place(uri: &http::Uri) -> String {
    let port = uri
        .port_u16()
        .map_or_else(String::new, |port| format!(":{port}"));
    format!("{}{port}", uri.host().unwrap_or_default())
}

async fn tls(files: &Arc<Files>, settings: &Settings) -> Result<Arc<TlsSettings>, ConfigError> {
    TlsSettings::load(
        files,
        "OTEL_EXPORTER_OTLP_CERTIFICATE",
        settings.ca_file.clone(),
    )
    .await
}

/// What sends it (OpenTelemetry's semantic conventions for resources). What is configured wins.
fn resource(settings: &Settings, replica: &Replica) -> Resource {
    let mut attributes: Vec<KeyValue> = Vec::new();
    let own = [
        ("service.name", "cache-health"),
        ("service.version", env!("CARGO_PKG_VERSION")),
        ("service.instance.id", replica.name.as_str()),
    ];
    let azure =
        (!replica.revision.is_empty()).then_some(("cloud.platform", "azure.container_apps"));
    for (key, value) in own.into_iter().chain(azure) {
        let said = settings.resource.iter().any(|(said, _)| said == key);
        if !said && !value.is_empty() {
            attributes.push(attribute(key, value));
        }
    }
    let said = settings.resource.iter();
    attributes.extend(said.map(|(key, value)| attribute(key, value.as_str())));
    Resource { attributes }
}

fn scope() -> Scope {
    Scope {
        name: "cache-health".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}
