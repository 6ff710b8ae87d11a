//! What the doctor prints, and how.

use super::faults::diagnose;
use crate::fixtures::{Azure, program};
use cache_health_local_azure::proxy::Action;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[test]
fn without_a_terminal_all_is_ascii_and_nothing_moves() {
    let azure = Azure::start();
    let check = azure
        .check_key()
        .env("LANG", "C.UTF-8")
        .env("RUST_LOG", "off");
    for arguments in [
        &["doctor"][..],
        &["doctor", "--format", "short"],
        &["check"],
    ] {
        let (output, _) = check.output(arguments);
        assert!(
            output.stdout.is_ascii(),
            "{}",
            String::from_utf8_lossy(&output.stdout)
        );
        assert!(
            !output.stdout.contains(&0x1b) && output.stderr.is_empty(),
            "{output:?}"
        );
    }
}

/// What a program prints on a terminal, by script of util-linux.
fn on_a_terminal(azure: &Azure, locale: &str, no_colour: &str) -> String {
    let check = azure.check_key();
    let mut script = Command::new("script");
    script
        .env_clear()
        .envs(check.environment())
        .env("PATH", "/usr/bin:/bin")
        .env("RUST_LOG", "off")
        .env("LC_ALL", locale)
        .env("NO_COLOR", no_colour)
        .args(["-q", "-e", "-c"])
        .arg(format!("{} doctor", program().display()))
        .arg("/dev/null")
        .stdin(Stdio::null());
    let output = script.output().expect("script, of util-linux");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn on_a_terminal_there_are_signs_and_colour_unless_nobody_wants_them() {
    let azure = Azure::start();
    let shown = on_a_terminal(&azure, "C.UTF-8", "");
    assert!(shown.contains("\u{1b}[32m\u{2713}\u{1b}[0m"), "{shown}");
    let plain = on_a_terminal(&azure, "C.UTF-8", "1");
    assert!(
        plain.contains('\u{2713}') && !plain.contains("\u{1b}[32m"),
        "{plain}"
    );
    let ascii = on_a_terminal(&azure, "C", "");
    assert!(ascii.is_ascii() && ascii.contains("ok "), "{ascii}");
}

#[test]
fn what_there_is_to_look_at_is_listed_without_looking() {
    let azure = Azure::start();
    let check = azure.check_key().env("REDIS_HOST", "not//a host");
    let (output, _) = check.output(&["doctor", "--list"]);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!((output.status.code(), text.lines().count()), (Some(0), 9));
    assert!(text.starts_with("configuration "), "{text}");
}

#[test]
fn short_is_only_what_is_not_well_with_the_diagnosis() {
    let azure = Azure::start();
    let check = azure.check_key().env("REDIS_ACCESS_KEY", "another");
    let (output, _) = check.output(&["doctor", "--format", "short"]);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let mut lines = text.lines();
    assert!(
        lines
            .next()
            .is_some_and(|line| line.starts_with("FAIL authentication")),
        "{text}"
    );
    for said in ["diagnosis: ", "cure: ", "see: ", "ticket: "] {
        assert!(
            text.lines().any(|line| line.starts_with(said)),
            "{said} in {text}"
        );
    }
    assert!(!text.contains("ok  "), "{text}");
}

#[test]
fn it_waits_until_all_is_well_and_no_longer_than_it_may() {
    let azure = Azure::start();
    azure.redis.hang().expect("SIGSTOP");
    let check = || azure.check_key().env("CACHE_HEALTH_TIMEOUT", "1s");
    let started = Instant::now();
    assert_eq!(diagnose(&check(), &["--wait", "3s"]).1, 1);
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "{:?}",
        started.elapsed()
    );
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| diagnose(&check(), &["--wait", "60s"]));
        azure.redis.resume().expect("SIGCONT");
        let (diagnosis, code) = waiting.join().expect("joined");
        assert_eq!((code, &diagnosis["success"]), (0, &true.into()));
    });
}

#[test]
fn round_trips_and_stalls_are_measured_side_by_side() {
    let azure = Azure::start();
    let (diagnosis, _) = diagnose(&azure.check_key(), &["--latency", "1s"]);
    let latency = &diagnosis["latency"];
    for measured in ["roundTrips", "stalls"] {
        let count = latency[measured]["count"].as_u64().expect("a number");
        assert!(count >= 5, "{latency}");
    }
    assert!(latency["said"].is_string(), "{latency}");
    let (without, _) = diagnose(&azure.check_key(), &[]);
    assert!(without["latency"].is_null());
}

#[test]
fn a_cache_that_is_slow_is_the_diagnosis() {
    let azure = Azure::start();
    let proxy = azure.proxy();
    proxy.on_command(|_| Action::Delay(Duration::from_millis(60)));
    let check = azure
        .check_key()
        .env("REDIS_PORT", proxy.port().to_string());
    let (diagnosis, _) = diagnose(&check, &["--latency", "2s"]);
    let slow = diagnosis["latency"]["roundTrips"]["p50Ms"]
        .as_f64()
        .expect("a number");
    assert!(slow >= 60.0, "{diagnosis}");
    assert_ne!(diagnosis["latency"]["conclusion"], "fast", "{diagnosis}");
    assert_eq!(diagnosis["diagnosis"], diagnosis["latency"]["said"]);
}
