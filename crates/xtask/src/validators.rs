//! What checks the manifests, from PyPI, into target/validators.

use crate::build::target;
use crate::install::from_pypi;
use anyhow::{Result, ensure};
use std::path::PathBuf;

/// The packages, as tried.
const PACKAGES: [&str; 3] = [
    "pycep-parser==0.7.1",
    "kubernetes-validate==1.37.0",
    "check-jsonschema==0.39.0",
];

/// Installs them.
pub fn install() -> Result<PathBuf> {
    let venv = target().join("validators");
    if venv.join("bin/check-jsonschema").exists() {
        return Ok(venv);
    }
    ensure!(from_pypi(&venv, &PACKAGES), "no python3, or no PyPI");
    Ok(venv)
}
