//! `cargo xtask build`: the components and the program into dist/.

use crate::install::{self, MUSL};
use crate::shell::{cargo, check, say, workspace};
use crate::{components, files};
use anyhow::Result;
use cache_health_artifacts::{Artifacts, Component, TOOL};
use std::path::PathBuf;
use std::process::Command;

/// The program.
pub const PROGRAM: &str = "cache-health";
/// The example of a host of one's own.
pub const EMBEDDER: &str = "embedder";

/// One target, one profile and one set of features for everything that runs here: whoever builds second compiles no
/// dependency again. The features are those of the whole workspace, whatever is built of it.
pub const ONE_BUILD: [&str; 5] = [
    "--workspace",
    "--all-features",
    "--release",
    "--target",
    MUSL,
];

/// Where the program is.
pub fn dist() -> PathBuf {
    workspace().join("dist").join(PROGRAM)
}

/// Where cargo puts what it builds.
pub fn target() -> PathBuf {
    cache_health_artifacts::target(&workspace())
}

/// Where cargo puts a program of [`ONE_BUILD`].
pub fn built(program: &str) -> PathBuf {
    target().join(MUSL).join("release").join(program)
}

/// Builds everything that is shipped.
pub fn build() -> Result<()> {
    program()?;
    components::ship()
}

/// Builds the program.
pub fn program() -> Result<()> {
    install::targets()?;
    install::musl_tools()?;
    let artifacts = Artifacts::of(&workspace());
    if !artifacts.tool_is_current() {
        say("1 of 3: wasmtime and its compiler, the long part: minutes, the first time");
        check(one_build("build").args(["--bin", TOOL]))?;
        artifacts.keep_tool(&built(TOOL));
    }
    say("2 of 3: the health component");
    artifacts.build(&[Component::Health]);
    say("3 of 3: the program, static, around the component's machine code");
    check(one_build("build").args(["--bin", PROGRAM]))?;
    std::fs::create_dir_all(workspace().join("dist"))?;
    files::copy(&built(PROGRAM), &dist())
}

/// A cargo command of [`ONE_BUILD`].
pub fn one_build(verb: &str) -> Command {
    let mut command = cargo(&[verb]);
    command.args(ONE_BUILD);
    command
}
