//! The example of a host of one's own, which supplies the capabilities through our library.

use crate::fixtures::Azure;
use crate::fixtures::{artifacts, told};
use cache_health_artifacts::Component;
use std::process::Command;

fn embedder() -> Command {
    let mut command = Command::new(told("CACHE_HEALTH_EMBEDDER"));
    command
        .arg(artifacts().component(Component::Health))
        .env_clear();
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
