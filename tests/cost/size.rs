//! How big it is.

use super::compare;
use crate::fixtures::{artifacts, told};
use cache_health_artifacts::Component;
use std::path::Path;

fn bytes(file: &Path) -> f64 {
    std::fs::metadata(file).expect("built").len() as f64
}

#[test]
#[ignore = "needs the image's program: cargo xtask test"]
fn nothing_that_ships_has_grown() {
    let program = told("CACHE_HEALTH_IMAGE_PROGRAM");
    let artifacts = artifacts();
    compare(&[
        ("bytes of the image's program", bytes(Path::new(&program))),
        (
            "bytes of cache-health.wasm",
            bytes(&artifacts.component(Component::Health)),
        ),
        (
            "bytes of cache-health-for-spin.wasm",
            bytes(&artifacts.for_spin()),
        ),
        ("bytes of cache-health-http.wasm", bytes(&artifacts.http())),
        (
            "bytes of cache-health-middleware-for-spin.wasm",
            bytes(&artifacts.middleware_for_spin()),
        ),
        (
            "bytes of cache-health-spin-app.wasm",
            bytes(&artifacts.spin_app()),
        ),
    ]);
}
