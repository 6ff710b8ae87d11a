//! What the tests' OpenTelemetry collector is made of, from PyPI, into target/collector.

use crate::build::target;
use crate::install::from_pypi;
use anyhow::{Result, ensure};
use std::path::PathBuf;

/// The packages, as tried.
const PACKAGES: [&str; 2] = ["grpcio==1.85.3", "opentelemetry-proto==1.45.2"];

/// Installs them.
pub fn install() -> Result<PathBuf> {
    let venv = target().join("collector");
    if venv.join("bin/python").exists() {
        return Ok(venv);
    }
    ensure!(from_pypi(&venv, &PACKAGES), "no python3, or no PyPI");
    Ok(venv)
}
