//! Where telemetry goes, by OpenTelemetry's standard variables and Container Apps' own. Pure. Nothing starts where no
//! end point is set.
//!
//! Container Apps' agent speaks gRPC without TLS, and says where by `CONTAINERAPP_OTEL_…_GRPC_ENDPOINT`, with a path that is
//! none of gRPC's.

use cache_health_provider::{ConfigError, SecretString, Variables};
use http::{HeaderName, Uri};
use std::time::Duration;

/// How long an export may take where nothing is said (OpenTelemetry's default).
const TIMEOUT: Duration = Duration::from_secs(10);
/// How often metrics are exported where nothing is said (OpenTelemetry's default).
const INTERVAL: Duration = Duration::from_secs(60);
/// The port that collectors have for gRPC.
const GRPC_PORT: u16 = 4317;

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
        if read
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
        let preference = read
            .text(preference)
            .unwrap_or_default()
            .to_ascii_lowercase();
        let opt_in = read
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
            ca_file: read.text("OTEL_EXPORTER_OTLP_CERTIFICATE").map(Into::into),
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

struct Reader<'a>(&'a dyn Variables);

impl Reader<'_> {
    /// As it is set, trimmed; empty is unset.
    fn text(&self, name: &str) -> Option<String> {
        let text = self.0.get(name).ok().flatten()?;
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    /// The value of the signal's own variable, or of the one for all.
    fn of_signal(&self, signal: Signal, what: &str) -> Option<(String, String)> {
        let own = format!("OTEL_EXPORTER_OTLP_{}_{what}", signal.names().0);
        let all = format!("OTEL_EXPORTER_OTLP_{what}");
        let value = |name: String| self.text(&name).map(|value| (name, value));
        value(own).or_else(|| value(all))
    }

    fn millis(&self, name: &str, default: Duration) -> Result<Duration, ConfigError> {
        let Some(text) = self.text(name) else {
            return Ok(default);
        };
        let millis: u64 = text
            .parse()
            .map_err(|_| wrong(name, "must be a number of milliseconds"))?;
        Ok(Duration::from_millis(millis.clamp(1, 86_400_000)))
    }

    fn exporter(&self, signal: Signal) -> Result<Option<Exporter>, ConfigError> {
        let (standard, container_apps, path) = signal.names();
        let chosen = self.text(&format!("OTEL_{standard}_EXPORTER"));
        if chosen.is_some_and(|chosen| chosen != "otlp") {
            return Ok(None);
        }
        let own = format!("OTEL_EXPORTER_OTLP_{standard}_ENDPOINT");
        let all = "OTEL_EXPORTER_OTLP_ENDPOINT".to_owned();
        let agent = format!("CONTAINERAPP_OTEL_{container_apps}_GRPC_ENDPOINT");
        let found = [own, all, agent].into_iter().enumerate();
        let mut found = found.filter_map(|(at, name)| Some((at, self.text(&name)?, name)));
        let Some((at, text, name)) = found.next() else {
            return Ok(None);
        };
        if text == "none" {
            return Ok(None);
        }
        let base: Uri = text.parse().map_err(|_| wrong(&name, "is not a URL"))?;
        if !matches!(base.scheme_str(), Some("http" | "https")) || base.host().is_none() {
            return Err(wrong(&name, "must be an http:// or https:// URL"));
        }
        let protocol = self.protocol(signal, &base, at == 2)?;
        let path = match (protocol, at) {
            // The path of an address is none of gRPC's, whatever it says.
            (Protocol::Grpc, _) => signal.method().to_owned(),
            (Protocol::HttpProtobuf, 0) => base.path().to_owned(),
            (Protocol::HttpProtobuf, _) => {
                format!("{}/v1/{path}", base.path().trim_end_matches('/'))
            }
        };
        let mut parts = base.into_parts();
        parts.path_and_query = path.parse().ok();
        let uri = Uri::from_parts(parts).map_err(|_| wrong(&name, "is not a URL"))?;
        let timeout = match self.of_signal(signal, "TIMEOUT") {
            Some((name, _)) => self.millis(&name, TIMEOUT)?,
            None => TIMEOUT,
        };
        Ok(Some(Exporter {
            signal,
            protocol,
            uri,
            headers: self.headers(signal)?,
            timeout,
        }))
    }

    fn protocol(
        &self,
        signal: Signal,
        base: &Uri,
        of_agent: bool,
    ) -> Result<Protocol, ConfigError> {
        match self.of_signal(signal, "PROTOCOL") {
            _ if of_agent => Ok(Protocol::Grpc),
            Some((_, text)) if text == "grpc" => Ok(Protocol::Grpc),
            Some((_, text)) if text == "http/protobuf" => Ok(Protocol::HttpProtobuf),
            Some((name, _)) => Err(wrong(&name, "must be grpc or http/protobuf")),
            None if base.port_u16() == Some(GRPC_PORT) => Ok(Protocol::Grpc),
            None => Ok(Protocol::HttpProtobuf),
        }
    }

    /// `key=value` pairs, percent-encoded (W3C Baggage). They may hold a key, and are never printed.
    fn headers(&self, signal: Signal) -> Result<Vec<(HeaderName, SecretString)>, ConfigError> {
        let Some((name, text)) = self.of_signal(signal, "HEADERS") else {
            return Ok(Vec::new());
        };
        let malformed = || wrong(&name, "must be key=value pairs, separated by commas");
        let pairs = pairs(&text).ok_or_else(malformed)?;
        pairs
            .into_iter()
            .map(|(key, value)| {
                let key = HeaderName::try_from(key).map_err(|_| malformed())?;
                http::HeaderValue::from_str(&value).map_err(|_| malformed())?;
                Ok((key, SecretString::from(value)))
            })
            .collect()
    }

    fn resource(&self) -> Vec<(String, String)> {
        let attributes = self.text("OTEL_RESOURCE_ATTRIBUTES");
        let mut attributes = attributes.and_then(|text| pairs(&text)).unwrap_or_default();
        if let Some(name) = self.text("OTEL_SERVICE_NAME") {
            attributes.retain(|(key, _)| key != "service.name");
            attributes.push(("service.name".to_owned(), name));
        }
        attributes
    }

    fn sampler(&self) -> Result<Sampler, ConfigError> {
        const NAME: &str = "OTEL_TRACES_SAMPLER";
        let share = || {
            let text = self.text("OTEL_TRACES_SAMPLER_ARG");
            let share = text.and_then(|text| text.parse().ok()).unwrap_or(1.0);
            Sampler::Share(f64::clamp(share, 0.0, 1.0))
        };
        match self.text(NAME).as_deref() {
            None => Ok(Sampler::Telling),
            Some("always_on" | "parentbased_always_on") => Ok(Sampler::Share(1.0)),
            Some("always_off" | "parentbased_always_off") => Ok(Sampler::Share(0.0)),
            Some("traceidratio" | "parentbased_traceidratio") => Ok(share()),
            Some(_) => Err(wrong(NAME, "is none that is known")),
        }
    }
}

/// `key=value` pairs, separated by commas, percent-encoded.
fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let items = text
        .split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty());
    items
        .map(|item| {
            let (key, value) = item.split_once('=')?;
            let value = percent_encoding::percent_decode_str(value.trim());
            Some((
                key.trim().to_owned(),
                value.decode_utf8().ok()?.into_owned(),
            ))
        })
        .collect()
}

fn wrong(name: &str, problem: &str) -> ConfigError {
    ConfigError::new(name, problem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cache_health_provider::ExposeSecret as _;
    use std::collections::HashMap;

    fn read(variables: &[(&str, &str)]) -> Result<Option<Settings>, ConfigError> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let variables: HashMap<String, String> = variables.iter().map(owned).collect();
        Settings::from_variables(&variables)
    }

    fn exporters(variables: &[(&str, &str)]) -> [Option<(Protocol, String)>; 2] {
        let settings = read(variables).expect("settings").expect("some");
        let of = |exporter: Option<Exporter>| exporter.map(|e| (e.protocol, e.uri.to_string()));
        [of(settings.traces), of(settings.metrics)]
    }

    const TRACES: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    const METRICS: &str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";

    #[test]
    fn nothing_starts_where_no_end_point_is_set_or_it_is_off() {
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4317");
        assert!(read(&[]).is_ok_and(|s| s.is_none()));
        assert!(read(&[endpoint, ("OTEL_SDK_DISABLED", "true")]).is_ok_and(|s| s.is_none()));
        assert!(read(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "none")]).is_ok_and(|s| s.is_none()));
        let off = [endpoint, ("OTEL_TRACES_EXPORTER", "none")];
        assert!(exporters(&off)[0].is_none() && exporters(&off)[1].is_some());
    }

    #[test]
    fn the_path_of_an_address_is_none_of_grpcs() {
        let grpc = |path: &str| Some((Protocol::Grpc, format!("http://otel.k8se-apps:4317{path}")));
        let agent = [
            (
                "CONTAINERAPP_OTEL_TRACING_GRPC_ENDPOINT",
                "http://otel.k8se-apps:4317/v1/traces",
            ),
            (
                "CONTAINERAPP_OTEL_METRIC_GRPC_ENDPOINT",
                "http://otel.k8se-apps:4317/v1/metrics",
            ),
        ];
        assert_eq!(exporters(&agent), [grpc(TRACES), grpc(METRICS)]);
        let standard = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://otel.k8se-apps:4317/"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ];
        assert_eq!(exporters(&standard), [grpc(TRACES), grpc(METRICS)]);
        // Without a protocol: the port says which.
        assert_eq!(exporters(&standard[..1]), [grpc(TRACES), grpc(METRICS)]);
    }

    #[test]
    fn each_signal_can_go_its_own_way() {
        let both = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4317"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "http/protobuf"),
            (
                "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
                "https://d/api/v2/otlp/v1/metrics",
            ),
            (
                "OTEL_EXPORTER_OTLP_METRICS_HEADERS",
                "Authorization=Api-Token%20s3cret",
            ),
            ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "DELTA"),
        ];
        let [traces, metrics] = exporters(&both);
        assert_eq!(
            traces,
            Some((Protocol::Grpc, format!("http://c:4317{TRACES}")))
        );
        let https = "https://d/api/v2/otlp/v1/metrics".to_owned();
        assert_eq!(metrics, Some((Protocol::HttpProtobuf, https)));
        let settings = read(&both).expect("settings").expect("some");
        let (name, value) = &settings.metrics.expect("metrics").headers[0];
        assert_eq!(
            (name.as_str(), value.expose_secret()),
            ("authorization", "Api-Token s3cret")
        );
        assert!(settings.delta && settings.traces.expect("traces").headers.is_empty());
        let base = [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318/otlp/")];
        let http = |path: &str| {
            Some((
                Protocol::HttpProtobuf,
                format!("http://c:4318/otlp/v1/{path}"),
            ))
        };
        assert_eq!(exporters(&base), [http("traces"), http("metrics")]);
    }

    #[test]
    fn what_cannot_be_used_is_named_and_never_printed() {
        for (name, value) in [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "s3cret"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "ftp://s3cret/"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "s3cret"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "s3cret"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "s3cret"),
            ("OTEL_TRACES_SAMPLER", "s3cret"),
        ] {
            let end = ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://c:4318/x");
            let error = read(&[end, (name, value)]).expect_err(name).to_string();
            assert!(
                error.starts_with(name) && !error.contains("s3cret"),
                "{error}"
            );
        }
    }

    #[test]
    fn the_resource_and_the_sampler_are_as_they_are_set() {
        let settings = read(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4317"),
            (
                "OTEL_RESOURCE_ATTRIBUTES",
                "service.name=x, deployment.environment=a%20b",
            ),
            ("OTEL_SERVICE_NAME", "shop-probe"),
            ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
            ("OTEL_SEMCONV_STABILITY_OPT_IN", "http,database"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "1500"),
        ]);
        let settings = settings.expect("settings").expect("some");
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let expected = [
            pair("deployment.environment", "a b"),
            pair("service.name", "shop-probe"),
        ];
        assert_eq!(settings.resource, expected);
        assert_eq!(settings.sampler, Sampler::Share(0.25));
        assert!(settings.stable_attributes_only);
        assert_eq!(settings.interval, Duration::from_millis(1500));
    }
}
