use super::*;
use secrecy::ExposeSecret as _;

fn config(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let map: HashMap<String, String> = pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Config::from_variables(&map)
}

const HOST: (&str, &str) = ("REDIS_HOST", "c.redis.cache.windows.net");
const KEY: (&str, &str) = ("REDIS_ACCESS_KEY", "a/b+c=");
const ENDPOINT: (&str, &str) = ("IDENTITY_ENDPOINT", "http://localhost:42356/msi/token");
const HEADER: (&str, &str) = ("IDENTITY_HEADER", "853b9a84");

#[test]
fn the_defaults_are_those_of_the_contract() {
    let config = config(&[HOST, KEY]).expect("usable");
    assert_eq!(config.endpoint.port, 6380);
    assert_eq!(config.auth, AuthPolicy::Auto);
    assert_eq!(config.key, "health");
    assert_eq!(config.listen.to_string(), "0.0.0.0:8080");
    assert_eq!(config.timeout, Duration::from_secs(5));
    assert_eq!(config.interval, Duration::from_secs(10));
    assert_eq!(config.failures, 2);
    assert_eq!(config.new_connection_every, Duration::from_secs(600));
}

/// Variables that are read where they are needed, and that no table of Spin's has.
const OUTSIDE: [&str; 8] = [
    "HTTPS_PROXY",
    "NO_PROXY",
    "IMDS_ENDPOINT",
    "AZURE_POD_IDENTITY_AUTHORITY_HOST",
    // Of the standalone host alone.
    "CACHE_HEALTH_TARGETS_FILE",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "CONTAINERAPP_OTEL_TRACING_GRPC_ENDPOINT",
    "CONTAINERAPP_OTEL_METRIC_GRPC_ENDPOINT",
];

#[test]
fn every_variable_is_in_the_reference() {
    let reference = include_str!("../../../../docs/reference/configuration.md");
    for name in NAMES {
        assert!(reference.contains(&format!("`{name}`")), "{name}");
    }
    let rows = reference.lines().filter(|line| line.starts_with("| `"));
    let named = rows.flat_map(|row| row.split('|').nth(1).unwrap_or_default().split('`'));
    for name in named.filter(|text| text.chars().any(char::is_alphabetic)) {
        let is_name = name.chars().all(|c| c.is_ascii_uppercase() || c == '_');
        let known = NAMES.contains(&name) || OUTSIDE.contains(&name);
        assert!(!is_name || known, "{name} is not a variable");
    }
}

#[test]
fn values_are_trimmed_and_white_space_is_unset() {
    let config = config(&[HOST, ("REDIS_ACCESS_KEY", " k\n"), ("REDIS_PORT", "  ")]);
    let config = config.expect("usable");
    assert_eq!(config.endpoint.port, 6380);
    assert!(
        matches!(config.endpoint.primary, Some(KeySource::Value(key)) if key.expose_secret() == "k")
    );
}

#[test]
fn candidates_are_in_order_of_preference() {
    let secondary = ("REDIS_ACCESS_KEY_SECONDARY_FILE", "/run/key");
    let config = config(&[secondary, HOST, KEY, HEADER, ENDPOINT]).expect("usable");
    let labels: Vec<_> = config.candidates().iter().map(|c| c.label()).collect();
    assert_eq!(labels, ["managed-identity", "primary", "secondary"]);
}

#[test]
fn what_cannot_be_used_names_its_variable_and_never_its_value() {
    let cases: &[(&[(&str, &str)], &str)] = &[
        (&[KEY], "REDIS_HOST"),
        (&[("REDIS_HOST", "rediss://s3cret"), KEY], "REDIS_HOST"),
        (&[("REDIS_HOST", "s3cret:6380"), KEY], "REDIS_HOST"),
        (&[("REDIS_HOST", "s3cret name"), KEY], "REDIS_HOST"),
        (&[HOST, KEY, ("REDIS_PORT", "s3cret")], "REDIS_PORT"),
        (&[HOST, KEY, ("REDIS_PORT", "0")], "REDIS_PORT"),
        (&[HOST, KEY, ("REDIS_PORT", "65536")], "REDIS_PORT"),
        (&[HOST, KEY, ("REDIS_AUTH", "s3cret")], "REDIS_AUTH"),
        (&[HOST, KEY, ("REDIS_AUTH", "entra")], "REDIS_AUTH"),
        (
            &[HOST, HEADER, ENDPOINT, ("REDIS_AUTH", "access-key")],
            "REDIS_AUTH",
        ),
        (&[HOST, ENDPOINT], "IDENTITY_HEADER"),
        (&[HOST, HEADER], "IDENTITY_ENDPOINT"),
        (
            &[HOST, ENDPOINT, ("REDIS_AUTH", "entra")],
            "IDENTITY_HEADER",
        ),
        (
            &[HOST, HEADER, ("IDENTITY_ENDPOINT", "https://s3cret/")],
            "IDENTITY_ENDPOINT",
        ),
        (
            &[HOST, ENDPOINT, ("IDENTITY_HEADER", "s3\ncret")],
            "IDENTITY_HEADER",
        ),
        (
            &[HOST, HEADER, ENDPOINT, ("AZURE_CLIENT_ID", "s3cret&x")],
            "AZURE_CLIENT_ID",
        ),
        (&[HOST], "REDIS_ACCESS_KEY"),
        (
            &[HOST, KEY, ("REDIS_ACCESS_KEY_FILE", "/s3cret")],
            "REDIS_ACCESS_KEY_FILE",
        ),
        (
            &[HOST, KEY, ("CACHE_HEALTH_TIMEOUT", "s3cret")],
            "CACHE_HEALTH_TIMEOUT",
        ),
        (
            &[HOST, KEY, ("CACHE_HEALTH_TIMEOUT", "0s")],
            "CACHE_HEALTH_TIMEOUT",
        ),
        (
            &[HOST, KEY, ("CACHE_HEALTH_TIMEOUT", "5")],
            "CACHE_HEALTH_TIMEOUT",
        ),
        (
            &[HOST, KEY, ("CACHE_HEALTH_INTERVAL", "-1s")],
            "CACHE_HEALTH_INTERVAL",
        ),
        (
            &[HOST, KEY, ("CACHE_HEALTH_FAILURES", "0")],
            "CACHE_HEALTH_FAILURES",
        ),
        (
            &[HOST, KEY, ("CACHE_HEALTH_NEW_CONNECTION_EVERY", "2d")],
            "CACHE_HEALTH_NEW_CONNECTION_EVERY",
        ),
        (
            &[HOST, KEY, ("CACHE_HEALTH_LISTEN", "s3cret")],
            "CACHE_HEALTH_LISTEN",
        ),
    ];
    for (pairs, variable) in cases {
        let error = config(pairs).expect_err("unusable");
        let text = error.to_string();
        assert_eq!(error.variable, *variable, "{pairs:?}");
        assert!(text.starts_with(variable), "{text}");
        assert!(!text.contains("s3"), "{text}");
        assert!(!text.contains("a/b+c="), "{text}");
    }
}

#[test]
fn a_configuration_does_not_show_its_secrets_in_its_debug_form() {
    let text = format!(
        "{:?}",
        config(&[HOST, KEY, HEADER, ENDPOINT]).expect("usable")
    );
    assert!(!text.contains("a/b+c="), "{text}");
    assert!(!text.contains("853b9a84"), "{text}");
}

const TOKEN_FILE: (&str, &str) = ("AZURE_FEDERATED_TOKEN_FILE", "/var/run/secrets/token");
const TENANT: (&str, &str) = ("AZURE_TENANT_ID", "72f988bf-86f1-41af-91ab-2d7cd011db47");
const CLIENT: (&str, &str) = ("AZURE_CLIENT_ID", "2cd0f3b5-51c7-4b1a-8d3a-5a1f1c5c1f0e");

#[test]
fn a_workload_identity_needs_its_tenant_and_client() {
    let whole = config(&[HOST, TOKEN_FILE, TENANT, CLIENT]).expect("usable");
    assert_eq!(whole.candidates(), [Candidate::WorkloadIdentity]);
    for (pairs, variable) in [
        ([HOST, TOKEN_FILE, TENANT], "AZURE_CLIENT_ID"),
        ([HOST, TOKEN_FILE, CLIENT], "AZURE_TENANT_ID"),
    ] {
        assert_eq!(config(&pairs).expect_err("unusable").variable, variable);
    }
    for authority in ["http://login.test", "login.test", "https://"] {
        let authority = ("AZURE_AUTHORITY_HOST", authority);
        let error = config(&[HOST, TOKEN_FILE, TENANT, CLIENT, authority]).expect_err("unusable");
        assert_eq!(error.variable, "AZURE_AUTHORITY_HOST");
    }
}

#[test]
fn a_workload_identity_is_tried_before_a_managed_one() {
    let config = config(&[HOST, HEADER, ENDPOINT, TOKEN_FILE, TENANT, CLIENT]).expect("usable");
    assert_eq!(
        config.candidates(),
        [Candidate::WorkloadIdentity, Candidate::ManagedIdentity]
    );
}

const KEY_ONLY: (&str, &str) = ("REDIS_AUTH", "access-key");
const THUMBPRINT: (&str, &str) = ("IDENTITY_SERVER_THUMBPRINT", "abcd");

/// Variables, the one that the warning is about, and what it says.
type Half = (
    &'static [(&'static str, &'static str)],
    &'static str,
    &'static str,
);

/// What platforms set for identities of their own, and how the warning names them.
const HALVES: [Half; 4] = [
    (
        &[HEADER, THUMBPRINT],
        "IDENTITY_ENDPOINT",
        "IDENTITY_HEADER",
    ),
    (
        &[
            ("IDENTITY_ENDPOINT", "https://127.0.0.1:2377/token"),
            HEADER,
            THUMBPRINT,
        ],
        "IDENTITY_ENDPOINT",
        "Service Fabric",
    ),
    (
        &[HEADER, ENDPOINT, ("AZURE_CLIENT_ID", "/subscriptions/0/x")],
        "AZURE_CLIENT_ID",
        "GUID",
    ),
    (
        &[TOKEN_FILE, CLIENT],
        "AZURE_TENANT_ID",
        "AZURE_FEDERATED_TOKEN_FILE",
    ),
];

#[test]
fn half_an_identity_never_stops_a_complete_key() {
    for (half, variable, says) in HALVES {
        let config = config(&[&[HOST, KEY], half].concat()).expect("usable");
        assert_eq!(config.candidates(), [Candidate::Primary], "{half:?}");
        let [warning] = config.warnings.as_slice() else {
            panic!("{half:?}: {:?}", config.warnings);
        };
        assert_eq!(warning.variable, variable);
        assert!(warning.problem.contains(says), "{warning}");
    }
}

#[test]
fn half_an_identity_alone_is_an_error_that_names_it() {
    for (half, variable, says) in HALVES {
        let error = config(&[&[HOST], half].concat()).expect_err("unusable");
        assert_eq!(error.variable, variable);
        assert!(error.problem.contains(says), "{error}");
    }
}

#[test]
fn half_an_identity_never_stops_a_complete_one() {
    let managed = config(&[HOST, HEADER, ENDPOINT, TOKEN_FILE]).expect("usable");
    assert_eq!(managed.candidates(), [Candidate::ManagedIdentity]);
    assert_eq!(managed.warnings[0].variable, "AZURE_TENANT_ID");
    let workload = config(&[HOST, HEADER, TOKEN_FILE, TENANT, CLIENT]).expect("usable");
    assert_eq!(workload.candidates(), [Candidate::WorkloadIdentity]);
    assert_eq!(workload.warnings[0].variable, "IDENTITY_ENDPOINT");
}

#[test]
fn what_the_policy_does_not_need_is_not_looked_at() {
    for (half, ..) in HALVES {
        let config = config(&[&[HOST, KEY, KEY_ONLY], half].concat()).expect("usable");
        assert!(config.warnings.is_empty(), "{:?}", config.warnings);
    }
    let both = [KEY, ("REDIS_ACCESS_KEY_FILE", "/run/key")];
    let entra = [HOST, HEADER, ENDPOINT, ("REDIS_AUTH", "entra")];
    let entra = config(&[&entra[..], &both[..]].concat()).expect("usable");
    assert_eq!(entra.candidates(), [Candidate::ManagedIdentity]);
}

#[test]
fn the_port_is_the_services_own_unless_it_is_set() {
    let port = |host| {
        config(&[("REDIS_HOST", host), KEY])
            .expect("usable")
            .endpoint
            .port
    };
    assert_eq!(port("c.redis.cache.windows.net"), 6380);
    assert_eq!(port("C.westeurope.Redis.Azure.net."), 10000);
    assert_eq!(port("c.westeurope.redisenterprise.cache.azure.net"), 10000);
    assert_eq!(port("10.0.0.4"), 6380);
    let set = [
        ("REDIS_HOST", "c.x.redis.azure.net"),
        KEY,
        ("REDIS_PORT", "8500"),
    ];
    assert_eq!(config(&set).expect("usable").endpoint.port, 8500);
}

#[test]
fn what_can_safely_be_understood_is_used_with_a_warning() {
    let quoted = ("REDIS_HOST", "\"c.example\"");
    let marked = ("REDIS_PORT", "\u{feff}6390");
    let read = config(&[quoted, marked, KEY]).expect("usable");
    assert_eq!(
        (read.endpoint.host.as_str(), read.endpoint.port),
        ("c.example", 6390)
    );
    let warned: Vec<_> = read.warnings.iter().map(|w| w.variable.as_str()).collect();
    assert_eq!(warned, ["REDIS_HOST", "REDIS_PORT"]);
}

#[test]
fn the_port_that_kubernetes_sets_for_a_service_is_taken_for_unset() {
    let service = ("REDIS_PORT", "tcp://10.0.171.239:6379");
    let read = config(&[HOST, KEY, service]).expect("usable");
    assert_eq!(read.endpoint.port, 6380);
    let [warning] = read.warnings.as_slice() else {
        panic!("{:?}", read.warnings);
    };
    assert_eq!(warning.variable, "REDIS_PORT");
    assert!(warning.problem.contains("Kubernetes"), "{warning}");
    assert!(!warning.problem.contains("10.0"), "{warning}");
}

#[test]
fn the_shape_of_what_cannot_be_used_is_told() {
    for (value, shape) in [
        ("rediss://u:p@c:6380", Some("url")),
        ("${REDIS_HOST}", Some("template")),
        ("c:6380,password=abc=,ssl=True", Some("connection-string")),
        ("c d", None),
    ] {
        let error = config(&[("REDIS_HOST", value), KEY]).expect_err("unusable");
        assert_eq!(error.shape, shape, "{value}");
    }
}

#[test]
fn a_tenant_alone_is_no_identity() {
    let config = config(&[HOST, KEY, TENANT, CLIENT]).expect("usable");
    assert_eq!(config.candidates(), [Candidate::Primary]);
}
