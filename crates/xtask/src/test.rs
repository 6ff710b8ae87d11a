//! `cargo xtask test`: every test there is.

use crate::shell::{cargo, check, say, succeeds};
use crate::{install, python};
use anyhow::Result;
use std::process::Command;

/// Runs every test.
pub fn test() -> Result<()> {
    install::targets()?;
    install::redis_server()?;
    let python = python::example()?;
    say("running the tests; the first time, wasmtime is built for minutes");
    let mut tests = cargo(&["test", "--workspace", "--all-features"]);
    if let Some(app) = &python {
        tests.env("CACHE_HEALTH_PYTHON_APP", app);
    }
    check(&mut tests)?;
    if python.is_none() {
        say("SKIPPED: examples/python-app was neither built nor run");
    }
    if !succeeds(Command::new("spin").arg("--version")) {
        say("SKIPPED: no `spin` on PATH, so nothing ran under a real `spin up`");
    }
    Ok(())
}
