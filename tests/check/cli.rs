//! The command line and the configuration of the real program.

use crate::fixtures::{Azure, Check};
use cache_health_report::{Kind, Status};

#[test]
fn a_configuration_error_exits_with_two_and_a_document() {
    let cases = [
        ("REDIS_PORT", "s3cret"),
        ("REDIS_AUTH", "entra"),
        ("CACHE_HEALTH_TIMEOUT", "s3cret"),
        ("REDIS_CA_FILE", "/does/not/exist"),
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
        let expected = format!("cache-health: {name} ");
        assert!(
            verdict.stderr.contains(&expected),
            "{expected} in {}",
            verdict.stderr
        );
    }
}

#[test]
fn half_an_identity_alone_exits_with_two_and_names_what_is_missing() {
    let verdict = Check::of("localhost", 6380)
        .env("IDENTITY_HEADER", "s3cret")
        .secret("s3cret")
        .run();
    assert_eq!(verdict.code, 2);
    assert!(
        verdict.stderr.contains("cache-health: IDENTITY_ENDPOINT "),
        "{}",
        verdict.stderr
    );
}

#[test]
fn half_an_identity_beside_a_key_is_a_warning_and_none_where_the_key_is_meant() {
    let azure = Azure::start();
    let half = || azure.check_key().env("IDENTITY_HEADER", "x1");
    let auto = half().env("REDIS_AUTH", "auto").run();
    assert_eq!((auto.code, auto.document.status), (0, Status::Warn));
    let mut warnings = auto.document.warnings.iter();
    let config = warnings.find(|warning| warning.kind == Kind::Config);
    let config = config.expect("a warning of the configuration");
    assert!(config.output.contains("IDENTITY_ENDPOINT"), "{config:?}");
    let meant = half().env("REDIS_AUTH", "access-key").run();
    assert_eq!((meant.code, meant.document.status), (0, Status::Pass));
}

#[test]
fn a_key_file_is_read_when_its_key_is_needed() {
    let azure = Azure::start();
    let absent = ("REDIS_ACCESS_KEY_SECONDARY_FILE", "/does/not/exist");
    let unneeded = azure.check_key().env(absent.0, absent.1).run();
    assert_eq!(unneeded.document.status, Status::Pass);
    let needed = azure
        .check_key()
        .env("REDIS_ACCESS_KEY", "rotated")
        .env(absent.0, absent.1)
        .run();
    assert_eq!(needed.document.status, Status::Fail);
    assert_eq!(needed.document.failure_kind(), Some(Kind::Config));
}

#[test]
fn quotation_marks_around_a_key_are_left_out_and_said() {
    let azure = Azure::start();
    let key = azure.access_key.clone();
    let verdict = azure
        .check_key()
        .env("REDIS_ACCESS_KEY", format!("\"{key}\""))
        .secret(&key)
        .run();
    assert_eq!(verdict.document.status, Status::Warn);
    let [warning] = verdict.document.warnings.as_slice() else {
        panic!("{:?}", verdict.document.warnings);
    };
    assert_eq!(warning.kind, Kind::Config);
    assert!(
        warning
            .output
            .contains("REDIS_ACCESS_KEY stands in quotation marks")
    );
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
