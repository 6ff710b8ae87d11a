//! All scripts.

use crate::{succeeds, workspace};
use std::process::Command;

#[test]
#[ignore = "needs shellcheck: cargo xtask test"]
fn the_scripts_have_nothing_to_say_to_shellcheck() {
    let output = Command::new("shellcheck")
        .current_dir(workspace())
        .args(["-x", "deploy/azure/deploy.sh", "deploy/azure/verify.sh"])
        .args(["deploy/azure/show.sh", "deploy/spin/up.sh"])
        .args(["crates/xtask/tests/az/az", ".ci/run"])
        .output()
        .expect("shellcheck");
    succeeds(&output);
}
