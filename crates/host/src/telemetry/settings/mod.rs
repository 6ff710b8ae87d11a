//! Where telemetry goes, by OpenTelemetry's standard variables and Container Apps' own. Pure. Nothing starts where no
//! end point is set.
//!
//! Container Apps' agent speaks gRPC without TLS, and says where by `CONTAINERAPP_OTEL_…_GRPC_ENDPOINT`, with a path that is
//! none of gRPC's.

mod read;
#[cfg(test)]
mod tests;

use cache_health_provider::{ConfigError, SecretString, Variables};
use http::{HeaderName, Uri};
use read::Reader;
use std::time::Duration;

/// How long an export may take where nothing is said (OpenTelemetry's default).
const TIMEOUT: Duration = Duration::from_secs(10);
/// How often metrics are exported where nothing is said (OpenTelemetry's default).
const INTERVAL: Duration = Duration::from_secs(60);

/// A kind of telemetry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Spans.
    Traces,
    /// Numbers.
    Metrics,
}

/// How an export is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// gRPC over HTTP/2.
    Grpc,
    /// `http/protobuf`.
    HttpProtobuf,
}

/// Where one signal goes.
#[derive(Clone, Debug)]
pub struct Exporter {
    /// What goes there.
    pub signal: Signal,
    /// How.
    pub protocol: Protocol,
    /// Where, with the path.
    pub uri: Uri,
    /// What is sent with it; may hold a key.
    pub headers: Vec<(HeaderName, SecretString)>,
    /// How long it may take.
    pub timeout: Duration,
}

/// Which checks are traced.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sampler {
    /// Those that say something: failing, changed, slow, with a new connection.
    Telling,
    /// This share of all.
    Share(f64),
}

/// Everything that is configured.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where spans go.
    pub traces: Option<Exporter>,
    /// Where numbers go.
    pub metrics: Option<Exporter>,
    /// How often numbers are exported.
    pub interval: Duration,
    /// Whether numbers are those since the last export (`DELTA`, `LOWMEMORY`), or since the start.
    pub delta: bool,
    /// Which checks are traced.
    pub sampler: Sampler,
    /// Whether spans have only today's database attributes.
    pub stable_attributes_only: bool,
    /// What is said of this program beside what it knows itself.
    pub resource: Vec<(String, String)>,
    /// PEM of a private CA for `https`.
    pub ca_file: Option<std::path::PathBuf>,
}

impl Settings {
    /// What these variables configure; none where nothing is to be sent.
    pub fn from_variables(variables: &dyn Variables) -> Result<Option<Self>, ConfigError> {
        let read = Reader(variables);
        if variables
            .text("OTEL_SDK_DISABLED")
            .is_some_and(|v| v.eq_ignore_ascii_case("true"))
        {
            return Ok(None);
        }
        let traces = read.exporter(Signal::Traces)?;
        let metrics = read.exporter(Signal::Metrics)?;
        if traces.is_none() && metrics.is_none() {
            return Ok(None);
        }
        let preference = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";
        let preference = variables
            .text(preference)
            .unwrap_or_default()
            .to_ascii_lowercase();
        let opt_in = variables
            .text("OTEL_SEMCONV_STABILITY_OPT_IN")
            .unwrap_or_default();
        Ok(Some(Self {
            traces,
            metrics,
            interval: read.millis("OTEL_METRIC_EXPORT_INTERVAL", INTERVAL)?,
            delta: matches!(preference.as_str(), "delta" | "lowmemory"),
            sampler: read.sampler()?,
            stable_attributes_only: opt_in.split(',').any(|item| item.trim() == "database"),
            resource: read.resource(),
            ca_file: variables
                .text("OTEL_EXPORTER_OTLP_CERTIFICATE")
                .map(Into::into),
        }))
    }
}

impl Signal {
    /// Its name in OpenTelemetry's variables, in Container Apps', and in a path.
    fn names(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Traces => ("TRACES", "TRACING", "traces"),
            Self::Metrics => ("METRICS", "METRIC", "metrics"),
        }
    }

    /// Its name in metrics and in the doctor.
    pub fn as_str(self) -> &'static str {
        self.names().2
    }

    /// The method of gRPC that takes it.
    fn method(self) -> &'static str {
        match self {
            Self::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            Self::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        }
    }
}
