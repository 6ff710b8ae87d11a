//! What checks the manifests, from PyPI, into target/validators.

use crate::build::target;
use crate::shell::{say, succeeds};
use std::path::PathBuf;
use std::process::Command;

/// The packages, as tried.
const PACKAGES: [&str; 3] = [
    "pycep-parser==0.7.1",
    "kubernetes-validate==1.37.0",
    "check-jsonschema==0.39.0",
];

/// Installs them; none, said aloud, where that cannot be done.
pub fn install() -> Option<PathBuf> {
    let venv = target().join("validators");
    let pip = venv.join("bin/pip");
    // The last of them to be installed.
    if venv.join("bin/check-jsonschema").exists() {
        return Some(venv);
    }
    say(&format!("installing validators into {}", venv.display()));
    let created = succeeds(Command::new("python3").args(["-m", "venv"]).arg(&venv));
    let installed = created
        && PACKAGES
            .iter()
            .all(|package| succeeds(Command::new(&pip).args(["install", "-q", package])));
    installed.then_some(venv)
}
