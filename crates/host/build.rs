//! Makes the machine code that this program embeds; how, is said in `cache-health-guests`.

use cache_health_guests::{Guests, SOURCES};
use std::path::{Path, PathBuf};

fn main() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for source in SOURCES {
        println!(
            "cargo::rerun-if-changed={}",
            workspace.join(source).display()
        );
    }
    let var = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"));
    let (target, out) = (var("TARGET"), PathBuf::from(var("OUT_DIR")));

    let guests = Guests::build(&workspace);
    guests.precompile(&guests.health(), &target, &out.join("cache-health.cwasm"));
    // For the tests, which run the Spin application on interfaces like Spin's.
    guests.precompile(&guests.spin_app(), &target, &guests.spin_app_code());
    // For --component, which supplies `health` to whoever imports it.
    let health = out.join("cache-health.wasm");
    std::fs::copy(guests.health(), health).expect("the health component was built");
}
