//! The cargo inside cargo.

use crate::WASM;
use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

/// What an outer cargo set for building its own program: clippy's wrapper, flags for the outer target.
const OUTER: [&str; 4] = [
    "CARGO_ENCODED_RUSTFLAGS",
    "RUSTFLAGS",
    "RUSTC",
    "RUSTC_WRAPPER",
];

/// rustc's linker leaves room for the biggest number wherever code calls a function or names an address: a twelfth of a
/// component. It writes them short when nothing of debugging is in the file, which the profiles of components see to.
const COMPRESS: &str = "-Clink-arg=--compress-relocations";

/// Builds a package into a target folder.
pub fn build(workspace: &Path, folder: &Path, package: &str, arguments: &[&str]) {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(workspace).args(["build", "--locked"]);
    command.args(["-p", package]).args(arguments);
    command.arg("--target-dir").arg(folder);
    let flags = format!(
        "CARGO_TARGET_{}_RUSTFLAGS",
        WASM.to_uppercase().replace('-', "_")
    );
    command.env(flags, format!("{COMPRESS} {}", remap(workspace)));
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("RUSTC_WORKSPACE_WRAPPER") || OUTER.contains(&&*text) {
            command.env_remove(&name);
        }
    }
    run(&mut command);
}

/// Keeps the builder's folders out of the components: they would only make them bigger, and different on each machine.
fn remap(workspace: &Path) -> String {
    let top = workspace
        .canonicalize()
        .unwrap_or_else(|_| workspace.to_owned());
    let home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".cargo")));
    let mut flags = format!("--remap-path-prefix={}=", top.display());
    if let Some(home) = home {
        flags += &format!(
            " --remap-path-prefix={}=",
            home.join("registry/src").display()
        );
    }
    flags
}

/// Runs a command that has to succeed.
pub fn run(command: &mut Command) {
    let status = command.status();
    assert!(
        status.as_ref().is_ok_and(ExitStatus::success),
        "{command:?} failed: {status:?}"
    );
}
