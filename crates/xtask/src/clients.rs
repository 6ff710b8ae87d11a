//! Microsoft's own clients, from PyPI and npm, into target/clients: what the stand-ins for Azure are held to.

use crate::build::target;
use crate::install::from_pypi;
use crate::shell::{say, succeeds};
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
const JAVASCRIPT: &str = "@azure/identity@4.13.1";

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
    if !folder.join("node_modules/@azure/identity").exists() {
        say(&format!(
            "installing {JAVASCRIPT} into {}",
            folder.display()
        ));
        let mut npm = Command::new("npm");
        npm.args(["install", "--silent", "--no-save", "--prefix"]);
        let installed = succeeds(npm.arg(&folder).arg(JAVASCRIPT));
        ensure!(installed, "no npm, or no registry");
    }
    Ok(folder)
}
