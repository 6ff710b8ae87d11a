//! Microsoft's own clients, from PyPI and npm, into target/clients: what the stand-ins for Azure are held to.

use crate::build::target;
use crate::install::{from_npm, from_pypi};
use crate::shell::succeeds;
use anyhow::{Result, ensure};
use std::path::PathBuf;
use std::process::Command;

/// The packages of PyPI, as tried.
const PYTHON: [&str; 3] = [
    "azure-identity==1.27.0",
    "redis==8.1.0",
    "redis-entraid==1.2.2",
];
/// The package of npm, as tried.
const JAVASCRIPT: (&str, &str) = ("@azure/identity", "4.13.1");

/// Installs them.
pub fn install() -> Result<PathBuf> {
    let folder = target().join("clients");
    let venv = folder.join("venv");
    let mut import = Command::new(venv.join("bin/python"));
    let python = succeeds(import.args(["-c", "import azure.identity, redis_entraid"]));
    ensure!(
        python || from_pypi(&venv, &PYTHON),
        "no python3, or no PyPI"
    );
    from_npm(&folder, &[JAVASCRIPT])?;
    Ok(folder)
}
