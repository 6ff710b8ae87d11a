//! The example of a host of one's own, which supplies the capabilities through our library.

mod support;

use cache_health_guests::Guests;
use std::path::Path;
use std::process::Command;
use support::Azure;

/// Where cargo puts examples: beside the program.
fn embedder() -> Command {
    let program = Path::new(env!("CARGO_BIN_EXE_cache-health"));
    let example = program.with_file_name("examples").join("embedder");
    assert!(example.exists(), "cargo test builds the examples");
    let guests = Guests::built(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."));
    let mut command = Command::new(example);
    command.arg(guests.health()).env_clear();
    command
}

#[test]
fn a_host_of_ones_own_gets_a_verdict_through_the_library() {
    let azure = Azure::start();
    let output = embedder()
        .envs(azure.check_key().environment())
        .output()
        .expect("the example runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.starts_with("Status::Pass: "), "{output:?}");
}

#[test]
fn its_failures_name_a_cure() {
    let azure = Azure::start();
    let check = azure.check_key().env("REDIS_ACCESS_KEY", "not-the-key");
    let output = embedder()
        .envs(check.environment())
        .output()
        .expect("the example runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.starts_with("Status::Fail: "), "{output:?}");
    assert!(text.contains("What to do: "), "{text}");
}
