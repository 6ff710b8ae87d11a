//! One set of cases, `tests/cases/cases.json`, over both compositions: the standalone host, and the Spin
//! application on a host with Spin's interfaces. The same verdicts, but for the differences that
//! are listed here by name.

mod cases;
mod real_spin;
mod spin_host;
mod support;

use cache_health_report::Status;
use cases::{Scene, cases};

/// What differs on Spin, and why.
const DIFFERENCES: [(&str, &str); 3] = [
    (
        "redis:connect",
        "Spin opens a connection in one call: dns, tcp, tls and auth cannot be told apart",
    ),
    ("tls is null", "Spin checks TLS and shows nothing of it"),
    (
        "moved",
        "Spin verifies a certificate against the address it connects to, so another node of a \
         cluster cannot be followed",
    ),
];

#[test]
fn both_compositions_give_the_same_verdicts() {
    let mut wrong = Vec::new();
    for case in cases() {
        // A scene each: a check must not find what the other one left behind.
        let own = Scene::of(&case).on_standalone_host();
        if let Err(why) = case.expect.compare(&own, case.expect.step) {
            wrong.push(format!("{} on the standalone host: {why}", case.name));
        }
        let (status, spin) = Scene::of(&case).on_spin();
        if let Err(why) = case.expect.compare(&spin, case.expect.on_spin()) {
            wrong.push(format!("{} on Spin: {why}", case.name));
        }
        let expected = if case.expect.status == Status::Fail {
            503
        } else {
            200
        };
        assert_eq!(status, expected, "{}", case.name);
        assert!(spin.tls.is_none(), "{}: evidence from nowhere", case.name);
    }
    for (what, why) in DIFFERENCES {
        println!("differs on Spin: {what}: {why}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn a_real_spin_gives_the_same_verdicts() {
    if !real_spin::is_there() {
        eprintln!("SKIPPED: no `spin` on PATH; the cases did not run under a real `spin up`");
        return;
    }
    let mut wrong = Vec::new();
    for case in cases() {
        let scene = Scene::of(&case);
        let (status, document) = real_spin::verdict(&scene.application());
        if let Err(why) = case.expect.compare(&document, case.expect.on_spin()) {
            wrong.push(format!("{}: {why}", case.name));
        }
        let expected = if case.expect.status == Status::Fail {
            503
        } else {
            200
        };
        assert_eq!(status, expected, "{}", case.name);
        println!("under a real spin up: {}", case.name);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
