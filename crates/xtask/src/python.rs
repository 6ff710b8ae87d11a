//! `examples/python-app`: built with componentize-py, where Python and PyPI are to be had.

use crate::build::target;
use crate::files::copy_all;
use crate::install::from_pypi;
use crate::shell::{check, workspace};
use anyhow::Result;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// The tool, as tried.
const TOOL: &str = "componentize-py==0.25.1";

/// Builds the example.
pub fn example() -> Result<PathBuf> {
    let venv = target().join("python");
    let tool = venv.join("bin/componentize-py");
    from_pypi(&venv, &[TOOL])?;
    let source = workspace().join("examples/python-app");
    let folder = target().join("python-app");
    // The WIT of this repository, with WASI's, put where the tool finds both.
    let (published, deps) = (workspace().join("wit/deps"), folder.join("wit/deps"));
    copy_all(&source.join("wit"), &folder.join("wit"))?;
    for package in ["", "cache-health-probe"] {
        copy_all(&published.join(package), &deps.join(package))?;
    }
    fs::copy(source.join("app.py"), folder.join("app.py"))?;
    let app = folder.join("app.wasm");
    check(
        Command::new(tool)
            .current_dir(&folder)
            .args(["-d", "wit", "-w", "app", "componentize", "app", "-o"])
            .arg(&app),
    )?;
    Ok(app)
}
