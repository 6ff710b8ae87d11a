//! One function per kind of value: the variables in, the value or what is wrong out.

use super::{Exporter, Protocol, Sampler, Signal, TIMEOUT};
use cache_health_provider::{ConfigError, SecretString, Variables};
use http::{HeaderName, Uri};
use std::time::Duration;

/// The port that collectors have for gRPC.
const GRPC_PORT: u16 = 4317;

/// Reads the variables.
pub struct Reader<'a>(pub &'a dyn Variables);

impl Reader<'_> {
    /// The value of the signal's own variable, or of the one for all.
    fn of_signal(&self, signal: Signal, what: &str) -> Option<(String, String)> {
        let own = format!("OTEL_EXPORTER_OTLP_{}_{what}", signal.names().0);
        let all = format!("OTEL_EXPORTER_OTLP_{what}");
        let value = |name: String| self.0.text(&name).map(|value| (name, value));
        value(own).or_else(|| value(all))
    }

    pub fn millis(&self, name: &str, default: Duration) -> Result<Duration, ConfigError> {
        let Some(text) = self.0.text(name) else {
            return Ok(default);
        };
        let millis: u64 = text
            .parse()
            .map_err(|_| wrong(name, "must be a number of milliseconds"))?;
        Ok(Duration::from_millis(millis.clamp(1, 86_400_000)))
    }

    pub fn exporter(&self, signal: Signal) -> Result<Option<Exporter>, ConfigError> {
        let (standard, container_apps, path) = signal.names();
        let chosen = self.0.text(&format!("OTEL_{standard}_EXPORTER"));
        if chosen.is_some_and(|chosen| chosen != "otlp") {
            return Ok(None);
        }
        let own = format!("OTEL_EXPORTER_OTLP_{standard}_ENDPOINT");
        let all = "OTEL_EXPORTER_OTLP_ENDPOINT".to_owned();
        let agent = format!("CONTAINERAPP_OTEL_{container_apps}_GRPC_ENDPOINT");
        let found = [own, all, agent].into_iter().enumerate();
        let mut found = found.filter_map(|(at, name)| Some((at, self.0.text(&name)?, name)));
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

    pub fn resource(&self) -> Vec<(String, String)> {
        let attributes = self.0.text("OTEL_RESOURCE_ATTRIBUTES");
        let mut attributes = attributes.and_then(|text| pairs(&text)).unwrap_or_default();
        if let Some(name) = self.0.text("OTEL_SERVICE_NAME") {
            attributes.retain(|(key, _)| key != "service.name");
            attributes.push(("service.name".to_owned(), name));
        }
        attributes
    }

    pub fn sampler(&self) -> Result<Sampler, ConfigError> {
        const NAME: &str = "OTEL_TRACES_SAMPLER";
        let share = || {
            let text = self.0.text("OTEL_TRACES_SAMPLER_ARG");
            let share = text.and_then(|text| text.parse().ok()).unwrap_or(1.0);
            Sampler::Share(f64::clamp(share, 0.0, 1.0))
        };
        match self.0.text(NAME).as_deref() {
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
