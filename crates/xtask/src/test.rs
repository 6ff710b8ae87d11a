//! `cargo xtask test`: every test there is.

use crate::install::MUSL;
use crate::shell::{cargo, check, say, succeeds};
use crate::{image, install, python, validators};
use anyhow::Result;
use std::process::Command;

/// Runs every test. What cannot be had here is skipped, and said at the end.
pub fn test() -> Result<()> {
    install::targets()?;
    install::musl_tools()?;
    install::redis_server()?;
    let mut skipped = Vec::new();
    // What is tested is what ships: the static program behaves differently from one that uses the system's C library,
    // in its resolver above all. The same profile and target as `cargo xtask build`, which shares what is built here.
    let mut tests = cargo(&["test", "--workspace", "--all-features", "--release"]);
    tests.args(["--target", MUSL]);

    match python::example()? {
        Some(app) => drop(tests.env("CACHE_HEALTH_PYTHON_APP", app)),
        None => skipped.push("examples/python-app was neither built nor run: no python3 or PyPI"),
    }
    match validators::install() {
        Some(folder) => drop(tests.env("CACHE_HEALTH_VALIDATORS", folder)),
        None => skipped.push("the manifests were not validated: no python3 or PyPI"),
    }
    if install::shellcheck().is_err() {
        skipped.push("the scripts were not linted: no shellcheck");
    }
    match install::podman() {
        Ok(()) => {
            image::build(image::TAG)?;
            tests.env("CACHE_HEALTH_IMAGE", image::TAG);
        }
        Err(_) => skipped.push("the image was neither built nor run: no podman"),
    }
    if !succeeds(Command::new("spin").arg("--version")) {
        skipped.push("nothing ran under a real `spin up`: no `spin` on PATH");
    }

    say("running the tests; the first time, wasmtime is built for minutes");
    check(&mut tests)?;
    for what in skipped {
        say(&format!("SKIPPED: {what}"));
    }
    Ok(())
}
