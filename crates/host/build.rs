//! Makes the machine code that this program embeds; how, is said in `cache-health-artifacts`.

use cache_health_artifacts::{Artifacts, Component, HEALTH_SOURCES};
use std::path::{Path, PathBuf};

fn main() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for source in HEALTH_SOURCES {
        println!(
            "cargo::rerun-if-changed={}",
            workspace.join(source).display()
        );
    }
    let var = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"));
    let (target, out) = (var("TARGET"), PathBuf::from(var("OUT_DIR")));

    let artifacts = Artifacts::of(&workspace);
    artifacts.build(&[Component::Health]);
    let health = artifacts.component(Component::Health);
    artifacts.precompile(&health, &target, &out.join("cache-health.cwasm"));
    // For --component, which supplies `health` to whoever imports it.
    std::fs::copy(health, out.join("cache-health.wasm")).expect("the health component was built");
}
