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
