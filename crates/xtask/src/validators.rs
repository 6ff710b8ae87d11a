//! What checks the manifests, from PyPI, into target/validators.

use crate::build::target;
use crate::install::from_pypi;
use std::path::PathBuf;

/// The packages, as tried.
const PACKAGES: [&str; 3] = [
    "pycep-parser==0.7.1",
    "kubernetes-validate==1.37.0",
    "check-jsonschema==0.39.0",
];

/// Installs them; none, said aloud, where that cannot be done.
pub fn install() -> Option<PathBuf> {
    let venv = target().join("validators");
    if venv.join("bin/check-jsonschema").exists() {
        return Some(venv);
    }
    from_pypi(&venv, &PACKAGES).then_some(venv)
}
