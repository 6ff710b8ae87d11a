//! The tests of what is neither the program nor a component: scripts, manifests, the WIT packages, `cargo xtask identity`.

mod identity;
mod kql;
mod manifests;
mod scripts;
mod wit;
mod workflows;

use std::path::{Path, PathBuf};
use std::process::Output;

/// The top of the repository.
fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// What a command printed.
fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// What a command printed, which has to have succeeded.
#[track_caller]
fn succeeds(output: &Output) -> String {
    let text = text(output);
    assert!(output.status.success(), "{text}");
    text
}
