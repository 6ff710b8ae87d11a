//! The command line and the configuration of the real program.

mod support;

use cache_health_report::{Kind, Status};
use support::{Azure, Check};

#[test]
fn a_configuration_error_exits_with_two_and_a_document() {
    let cases = [
        ("REDIS_PORT", "s3cret"),
        ("REDIS_AUTH", "entra"),
        ("IDENTITY_HEADER", "s3cret"),
        ("CACHE_HEALTH_TIMEOUT", "s3cret"),
        ("REDIS_CA_FILE", "/does/not/exist"),
        ("REDIS_ACCESS_KEY_SECONDARY_FILE", "/does/not/exist"),
    ];
    for (name, value) in cases {
        let check = Check::of("localhost", 6380)
            .env("REDIS_ACCESS_KEY", "k3y")
            .env(name, value)
            .secret("s3cret")
            .secret("k3y");
        let verdict = check.run();
        assert_eq!(verdict.code, 2, "{name}");
        assert_eq!(verdict.document.status, Status::Fail);
        assert_eq!(
            verdict.document.failure_kind(),
            Some(Kind::Config),
            "{name}"
        );
        let at_fault = if name == "IDENTITY_HEADER" {
            "IDENTITY_ENDPOINT"
        } else {
            name
        };
        let expected = format!("cache-health: {at_fault} ");
        assert!(
            verdict.stderr.contains(&expected),
            "{expected} in {}",
            verdict.stderr
        );
    }
}

#[test]
fn a_usage_error_prints_only_to_standard_error() {
    let (output, _) = Check::of("localhost", 6380).output(&["check", "--format", "xml"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    assert!(!output.stderr.is_empty());
}

#[test]
fn flags_win_over_variables() {
    let azure = Azure::start();
    let port = azure.redis.port().to_string();
    let check = azure
        .check_key()
        .env("REDIS_PORT", "1")
        .env("REDIS_HOST", "no-such.invalid");
    let flags = [
        "check",
        "--host",
        "localhost",
        "--port",
        &port,
        "--timeout",
        "4s",
    ];
    let (output, _) = check.output(&flags);
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(text.starts_with("PASS  "), "{text}");
}
