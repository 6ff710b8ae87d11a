//! What Spin does not allow is named as such, with the line to add.

use super::{with_a_key, with_an_identity};
use crate::fixtures::Azure;
use crate::fixtures::spin::Launch;
use cache_health_report::{FindingDocument, Kind, Step};

const REDIS: &str = "\"rediss://{{ redis_host }}:{{ redis_port }}\"";

fn policy(failure: &FindingDocument) -> Option<&str> {
    failure.evidence.as_ref()?.get("policy")
}

fn failure(launch: Launch<'_>) -> FindingDocument {
    let (status, document) = launch.up().fresh();
    assert_eq!(status, 503, "{document:#?}");
    document.failure.expect("one")
}

#[test]
#[ignore = "needs spin: cargo xtask test, with a spin on PATH"]
fn a_cache_that_is_not_in_allowed_outbound_hosts_is_not_allowed() {
    let azure = Azure::start();
    let application = with_a_key(&azure);
    let elsewhere = "\"rediss://{{ redis_host }}:1\"";
    let failure = failure(Launch::spin_app(&application).changed(REDIS, elsewhere));
    assert_eq!(failure.kind, Kind::NotAllowed);
    let line = format!("rediss://localhost:{}", azure.redis.port());
    assert!(failure.remedy.contains(&line), "{}", failure.remedy);
    assert_eq!(policy(&failure), Some("allowed_outbound_hosts"));
}

#[test]
#[ignore = "needs spin: cargo xtask test, with a spin on PATH"]
fn an_identity_endpoint_that_is_not_in_allowed_outbound_hosts_is_not_allowed() {
    let azure = Azure::start();
    let application = with_an_identity(&azure);
    let launch = Launch::spin_app(&application);
    let launch = launch.changed("\"http://localhost:*\"", "\"http://localhost:1\"");
    let failure = failure(launch.changed("\"http://127.0.0.1:*\"", "\"http://127.0.0.1:1\""));
    assert_eq!(failure.kind, Kind::TokenUnavailable);
    assert!(
        failure.remedy.contains("\"http://127.0.0.1:*\""),
        "{}",
        failure.remedy
    );
    assert_eq!(policy(&failure), Some("allowed_outbound_hosts"));
}

#[test]
#[ignore = "needs spin: cargo xtask test, with a spin on PATH"]
fn a_network_that_is_blocked_is_named() {
    let azure = Azure::start();
    let application = with_an_identity(&azure);
    // The token comes first: a cache whose every address is blocked ends the instance (docs/reference/failures.md).
    let blocked = "[outbound_networking]\nblock_networks = [\"private\"]\n";
    let failure = failure(Launch::spin_app(&application).runtime_config(blocked));
    assert_eq!(failure.kind, Kind::TokenUnavailable);
    assert!(
        failure.remedy.contains("block_networks"),
        "{}",
        failure.remedy
    );
    assert_eq!(policy(&failure), Some("block_networks"));
}

#[test]
#[ignore = "needs spin: cargo xtask test, with a spin on PATH"]
fn a_connection_over_spins_limit_waits_and_the_remedy_says_so() {
    let azure = Azure::start();
    let application = with_a_key(&azure);
    let none = "[outbound_redis]\nmax_connections = 0\n";
    let failure = failure(Launch::spin_app(&application).runtime_config(none));
    assert_eq!(
        (failure.kind, failure.step),
        (Kind::Timeout, Some(Step::Connect))
    );
    assert!(
        failure.remedy.contains("max_connections"),
        "{}",
        failure.remedy
    );
}
