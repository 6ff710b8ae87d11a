//! `cargo xtask test`: every test there is.

use crate::install;
use crate::shell::{cargo, check, say};
use anyhow::Result;

/// Runs every test.
pub fn test() -> Result<()> {
    install::targets()?;
    install::redis_server()?;
    say("running the tests; the first time, wasmtime is built for minutes");
    check(&mut cargo(&["test", "--workspace", "--all-features"]))
}
