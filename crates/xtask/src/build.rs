//! `cargo xtask build`: the components and the program into dist/.

use crate::install::{self, MUSL, WASM};
use crate::shell::{cargo, check, output, say, workspace};
use anyhow::{Context as _, Result};
use cache_health_guests::{About, Guests};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a registry shows of each component.
const HEALTH: About = About {
    name: "cache-health",
    description: "Proves that an app can use its Azure Redis cache, over capabilities that its host supplies",
};
const FOR_SPIN: About = About {
    name: "cache-health-for-spin",
    description: "cache-health with a provider of its capabilities for Spin inside",
};
const SPIN_APP: About = About {
    name: "cache-health-spin-app",
    description: "cache-health as an application of Spin: /livez, /readyz and /healthz",
};
const HTTP: About = About {
    name: "cache-health-http",
    description: "cache-health behind HTTP, for hosts that supply its capabilities",
};
const RUST_APP: About = About {
    name: "rust-app",
    description: "An example of a component that asks cache-health for a verdict",
};

/// Where the program is.
pub fn program() -> PathBuf {
    workspace().join("dist/cache-health")
}

/// Where cargo puts what it builds.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from)
}

/// Builds everything that is shipped.
pub fn build() -> Result<()> {
    install::targets()?;
    install::musl_tools()?;
    say(&format!(
        "building the components ({WASM}) and the program ({MUSL}); minutes the first time"
    ));
    let package = ["-p", "cache-health-host", "--features", "component"];
    check(cargo(&["build", "--release", "--target", MUSL]).args(package))?;
    // The host's build script has made the components.
    ship(&Guests::built(&workspace()))?;
    copy(
        &target().join(MUSL).join("release/cache-health"),
        &program(),
    )
}

/// Builds the components only: what `spin build` needs.
pub fn components() -> Result<()> {
    install::targets()?;
    say(&format!(
        "building the components ({WASM}); minutes the first time"
    ));
    ship(&Guests::build(&workspace()))
}

fn ship(guests: &Guests) -> Result<()> {
    let dist = workspace().join("dist");
    std::fs::create_dir_all(&dist)?;
    let revision = revision();
    for (component, about) in [
        (guests.health(), HEALTH),
        (guests.for_spin(), FOR_SPIN),
        (guests.spin_app(), SPIN_APP),
        (guests.http(), HTTP),
        (guests.rust_app(), RUST_APP),
    ] {
        let to = dist.join(about.name).with_extension("wasm");
        guests.describe(&component, &about, revision.as_deref(), &to);
    }
    // The WIT packages: what others write against. One may be left of an earlier version.
    let _ = std::fs::remove_dir_all(dist.join("wit"));
    for folder in [
        "wit",
        "wit/deps",
        "wit/deps/cache-health-probe",
        "wit/deps/cache-health-capabilities",
    ] {
        copy_files(&workspace().join(folder), &dist.join(folder))?;
    }
    Ok(())
}

/// The commit that is built; none for sources that are not a checkout.
fn revision() -> Option<String> {
    let mut git = Command::new("git");
    let head = output(git.args(["rev-parse", "HEAD"]).current_dir(workspace()))?;
    Some(head.trim().to_owned())
}

/// Copies the files of a folder.
pub fn copy_files(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let path = entry?.path();
        if let Some(name) = path.file_name().filter(|_| path.is_file()) {
            copy(&path, &to.join(name))?;
        }
    }
    Ok(())
}

/// Copies a file that may be in use where it is copied to.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    // A program that runs cannot be written over, but it can be replaced.
    let _ = std::fs::remove_file(to);
    std::fs::copy(from, to)
        .with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}
