//! How big the image is.

use super::compare;
use crate::fixtures::told;
use std::process::Command;

#[test]
#[ignore = "needs podman and the image: cargo xtask test"]
fn the_image_has_not_grown() {
    let inspected = Command::new("podman")
        .args(["image", "inspect", "--format", "{{.Size}}"])
        .arg(told("CACHE_HEALTH_IMAGE"))
        .output()
        .expect("podman runs");
    let text = String::from_utf8_lossy(&inspected.stdout);
    let bytes: f64 = text.trim().parse().expect("a size");
    compare(&[("bytes of the image", bytes)]);
}
