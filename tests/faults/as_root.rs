//! What needs a name server on port 53 and a mount namespace of its own.

use super::hosts::SLACK;
use super::matrix::{spin_composition, standalone_host};
use super::scene::{DEADLINE, Scene};
use cache_health_local_azure::dns::Zone;
use std::net::Ipv4Addr;
use std::time::Duration;

#[test]
#[ignore = "needs root: cargo xtask test"]
fn every_row_with_a_name_server_on_the_standalone_host() {
    standalone_host(|row| row.needs_root);
}

#[test]
#[ignore = "needs root: cargo xtask test"]
fn every_row_with_a_name_server_on_the_spin_composition() {
    spin_composition(|row| row.needs_root);
}

#[test]
#[ignore = "needs root: cargo xtask test"]
fn a_name_server_that_does_not_answer_keeps_nobody_from_leaving() {
    let mut scene = Scene::new();
    let zone = Zone::Slow(vec![], Duration::from_secs(60));
    scene.resolve_with(Ipv4Addr::new(127, 0, 0, 154), zone);
    let (output, took) = scene.check().output(&["check"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(took < DEADLINE + SLACK, "{took:?}");
    let mut server = scene.check().serve();
    server.signal("TERM");
    assert_eq!(server.wait(Duration::from_secs(10)), 0);
}
