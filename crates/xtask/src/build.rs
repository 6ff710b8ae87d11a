//! `cargo xtask build`: the components and the program into dist/.

use crate::install::{self, MUSL, WASM};
use crate::shell::{cargo, check, say, workspace};
use anyhow::{Context as _, Result};
use std::path::{Path, PathBuf};

/// What dist/ holds, and where it comes from below `target/`.
const FILES: [(&str, &str); 5] = [
    (
        "components/wasm32-wasip2/component/cache_health.wasm",
        "cache-health.wasm",
    ),
    (
        "components/cache-health-for-spin.wasm",
        "cache-health-for-spin.wasm",
    ),
    (
        "components/cache-health-spin-app.wasm",
        "cache-health-spin-app.wasm",
    ),
    (
        "components/cache-health-own-host.wasm",
        "cache-health-own-host.wasm",
    ),
    (
        "x86_64-unknown-linux-musl/release/cache-health",
        "cache-health",
    ),
];

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
    let arguments = [
        "build",
        "--release",
        "--target",
        MUSL,
        "-p",
        "cache-health-host",
    ];
    check(&mut cargo(&arguments))?;
    let target = target();
    let dist = workspace().join("dist");
    std::fs::create_dir_all(&dist)?;
    for (from, to) in FILES {
        copy(&target.join(from), &dist.join(to))?;
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    // A program that runs cannot be written over, but it can be replaced.
    let _ = std::fs::remove_file(to);
    std::fs::copy(from, to)
        .with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}
