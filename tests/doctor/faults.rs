//! One diagnosis and one cure for each part of the walk.

use crate::fixtures::{Azure, Check, document};
use cache_health_local_azure::certificates::Leaf;
use cache_health_local_azure::identity::Behaviour;
use cache_health_local_azure::port;
use serde_json::Value;

/// What `doctor --format json` says, with its exit code.
pub fn diagnose(check: &Check, arguments: &[&str]) -> (Value, i32) {
    let arguments = [&["doctor", "--format", "json"], arguments].concat();
    let (output, _) = check.output(&arguments);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    (value, output.status.code().expect("an exit code"))
}

/// The category that fails, with the kind of its first finding.
fn failing(diagnosis: &Value) -> (String, String) {
    let categories = diagnosis["categories"].as_array().expect("a list");
    let mut failing = categories.iter().filter(|c| c["result"] == "fail");
    let one = failing
        .next()
        .unwrap_or_else(|| panic!("none fails: {diagnosis}"));
    assert!(failing.next().is_none(), "one diagnosis: {diagnosis}");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(&one["category"]), text(&one["findings"][0]["kind"]))
}

fn expect(check: &Check, category: &str, kind: &str, code: i32) {
    let (diagnosis, exit) = diagnose(check, &[]);
    let found = failing(&diagnosis);
    assert_eq!(found, (category.to_owned(), kind.to_owned()), "{diagnosis}");
    assert_eq!(exit, code, "{diagnosis}");
    assert_eq!(diagnosis["success"], false);
    // The same words as the check's own: there is one place where they are made.
    let (output, _) = check.output(&["check", "--format", "json"]);
    let checked = document::read(&String::from_utf8(output.stdout).expect("UTF-8"));
    let failure = checked.failure.expect("one");
    assert_eq!(diagnosis["cure"], failure.remedy);
    assert_eq!(diagnosis["reference"], failure.reference);
}

#[test]
fn each_part_of_the_walk_has_its_own_faults() {
    let azure = Azure::start();
    let key = || azure.check_key();
    expect(
        &key().env("REDIS_PORT", "none"),
        "configuration",
        "config",
        2,
    );
    expect(
        &key().env("REDIS_HOST", "no-such.invalid"),
        "name",
        "dns",
        1,
    );
    let nobody = port::NOBODY.to_string();
    expect(&key().env("REDIS_PORT", nobody), "network", "connect", 1);
    expect(&key().without("REDIS_CA_FILE"), "tls", "tls-untrusted", 1);
    expect(
        &key().env("REDIS_ACCESS_KEY", "another"),
        "authentication",
        "auth-rejected",
        1,
    );
    azure.identity.behave(Behaviour::status(400));
    expect(&azure.check_entra(), "identity", "token-rejected", 1);
}

#[test]
fn a_permission_that_is_missing_and_a_cache_that_is_full_are_told_apart() {
    let azure = Azure::start();
    azure
        .redis
        .command(&["ACL", "SETUSER", &azure.object_id, "-set"])
        .expect("redis-cli");
    expect(&azure.check_entra(), "permission", "permission-denied", 1);
    azure
        .redis
        .command(&["CONFIG", "SET", "maxmemory", "1"])
        .expect("redis-cli");
    expect(&azure.check_key(), "data", "out-of-memory", 1);
}

#[test]
fn a_certificate_for_another_name_is_shown_with_its_names() {
    let azure = Azure::with_leaf(&Leaf {
        names: vec!["other.example".to_owned()],
        ..Leaf::default()
    });
    let check = azure.check_key();
    expect(&check, "tls", "tls-hostname", 1);
    let (output, _) = check.output(&["doctor"]);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(text.contains("tls.names: other.example"), "{text}");
}

#[test]
fn a_cache_that_can_be_used_is_well_in_every_part() {
    let azure = Azure::start();
    let (diagnosis, code) = diagnose(&azure.check_entra(), &[]);
    let categories = diagnosis["categories"].as_array().expect("a list");
    assert_eq!((categories.len(), code), (9, 0));
    for category in categories {
        let configured = category["category"] != "telemetry";
        let result = if configured { "ok" } else { "skip" };
        assert_eq!(category["result"], result, "{category}");
        assert_eq!(category["findings"], serde_json::json!([]));
    }
    assert_eq!(
        (&diagnosis["cure"], &diagnosis["success"]),
        (&Value::Null, &true.into())
    );
}

#[test]
fn a_warning_fails_where_it_is_asked_to() {
    let azure = Azure::start();
    azure.identity.behave(Behaviour::status(400));
    let check = azure.check_both();
    let (diagnosis, code) = diagnose(&check, &[]);
    assert_eq!((&diagnosis["status"], code), (&"warn".into(), 0));
    assert!(diagnosis["cure"].is_string(), "{diagnosis}");
    assert_eq!(diagnose(&check, &["--fail-on", "warn"]).1, 1);
    assert_eq!(diagnose(&azure.check_key(), &["--fail-on", "warn"]).1, 0);
}

#[test]
fn only_what_is_asked_for_counts() {
    let azure = Azure::start();
    let check = azure.check_key().env("REDIS_ACCESS_KEY", "another");
    let (diagnosis, code) = diagnose(&check, &["name", "tls"]);
    let categories = diagnosis["categories"].as_array().expect("a list");
    assert_eq!((categories.len(), code), (2, 0));
    assert_eq!(categories[0]["category"], "name");
    assert_eq!(categories[1]["category"], "tls");
    assert_eq!(diagnose(&check, &["authentication"]).1, 1);
    // What is not reached is not well, and its cause is said though nobody asked for that part.
    let (diagnosis, code) = diagnose(&check, &["data"]);
    assert_eq!(
        (&diagnosis["success"], code),
        (&false.into(), 1),
        "{diagnosis}"
    );
    assert!(diagnosis["cure"].is_string(), "{diagnosis}");
}

#[test]
fn the_identifiers_that_support_asks_for_are_in_the_ticket() {
    let azure = Azure::start();
    let body = r#"{"statusCode":500,"message":"s3cret","correlationId":"4f2e4b4a-9d1e-4b59-9d7e-0f6f3a1c2b3d"}"#;
    azure
        .identity
        .behave(Behaviour::Raw(500, body.to_owned(), Vec::new()));
    let check = azure
        .check_entra()
        .secret("s3cret")
        .env("CONTAINER_APP_REPLICA_NAME", "shop--1");
    let (diagnosis, _) = diagnose(&check, &[]);
    let ticket = &diagnosis["ticket"];
    assert_eq!(
        ticket["identity.correlationId"],
        "4f2e4b4a-9d1e-4b59-9d7e-0f6f3a1c2b3d"
    );
    assert_eq!(ticket["identity.source"], "managed-identity");
    assert_eq!(ticket["replica"], "shop--1");
    assert!(
        ticket["version"]
            .as_str()
            .is_some_and(|version| version.starts_with("0.")),
        "{ticket}"
    );
}
