//! What the life of an instance is worth.

use super::with_an_identity;
use crate::fixtures::Azure;
use crate::fixtures::spin::Launch;
use std::time::Duration;

/// Longer than the second after which Spin ends an instance, by default.
const PAUSE: Duration = Duration::from_secs(3);
/// What `deploy/spin/up.sh` passes.
const LONGER: [&str; 4] = [
    "--idle-instance-timeout",
    "60s",
    "--max-instance-reuse-count",
    "10000",
];

/// What three probes cost that come with a pause between: connections to the cache, and requests for tokens.
fn three_probes(arguments: &[&str]) -> (u64, u64) {
    let azure = Azure::start();
    let application = with_an_identity(&azure);
    let spin = Launch::spin_app(&application).arguments(arguments).up();
    let (connections, requests) = (azure.connections(), azure.identity.requests());
    for probe in 0..3 {
        if probe > 0 {
            std::thread::sleep(PAUSE);
        }
        assert_eq!(spin.get("/readyz").0, 200);
    }
    (
        azure.connections() - connections,
        azure.identity.requests() - requests,
    )
}

#[test]
#[ignore = "needs spin: cargo xtask test, with a spin on PATH"]
fn probes_with_a_pause_keep_connection_and_token_where_the_instance_outlives_it() {
    assert_eq!(three_probes(&LONGER), (1, 1));
}

#[test]
#[ignore = "needs spin: cargo xtask test, with a spin on PATH"]
fn by_default_every_probe_with_a_pause_is_the_first_of_its_instance() {
    assert_eq!(three_probes(&[]), (3, 3));
}

#[test]
#[ignore = "needs spin: cargo xtask test, with a spin on PATH"]
fn an_instance_that_has_answered_enough_is_replaced_and_nobody_notices() {
    let azure = Azure::start();
    let application = with_an_identity(&azure);
    let few = ["--max-instance-reuse-count", "5"];
    let spin = Launch::spin_app(&application).arguments(&few).up();
    let before = azure.connections();
    for _ in 0..20 {
        assert_eq!(spin.get("/healthz?fresh=1").0, 200);
    }
    let made = azure.connections() - before;
    assert!((4..=6).contains(&made), "{made} connections");
}
