//! Running other programs.

use anyhow::{Context as _, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The top of the repository.
pub fn workspace() -> PathBuf {
    // Two levels above this crate's manifest.
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    crate_folder.ancestors().skip(2).take(1).collect()
}

/// Says what comes next.
pub fn say(text: &str) {
    eprintln!("==> {text}");
}

/// The commit that is built; none for sources that are not a checkout.
pub fn revision() -> Option<String> {
    let mut git = Command::new("git");
    let head = output(git.args(["rev-parse", "HEAD"]).current_dir(workspace()))?;
    Some(head.trim().to_owned())
}

/// A cargo command at the top of the repository.
pub fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.args(arguments).arg("--locked");
    command.current_dir(workspace());
    // What --version says. Only the program itself looks at it, so another revision builds nothing else again.
    let version = env!("CARGO_PKG_VERSION");
    if let Some(revision) = revision() {
        let short = revision.get(..12).unwrap_or(&revision);
        command.env("CACHE_HEALTH_VERSION", format!("{version} ({short})"));
    }
    command
}

/// Runs a command with its output in sight.
pub fn check(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command
        .status()
        .with_context(|| format!("{program} cannot be run"))?;
    ensure!(status.success(), "{program} failed ({status})");
    Ok(())
}

/// Whether a command succeeds, without its output.
pub fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// What a command prints that has to succeed, its errors in sight.
pub fn stdout(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("{program} cannot be run"))?;
    ensure!(
        output.status.success(),
        "{program} failed ({})",
        output.status
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What a command prints.
pub fn output(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
