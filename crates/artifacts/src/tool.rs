//! The tool that composes and precompiles, `cache-health-compose`.
//!
//! It has Cranelift in it, which takes minutes to build, so nobody builds it twice: `cargo xtask` builds it together
//! with the program, of the same dependencies, and [keeps](Artifacts::keep_tool) it here. Where there is none, or its
//! sources are newer, it is built by itself.

use crate::{Artifacts, cargo};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;
use std::{fs, io};

/// The name of the tool.
pub const TOOL: &str = "cache-health-compose";
/// What it is built from, relative to the workspace.
const SOURCES: [&str; 2] = ["Cargo.lock", "crates/compose"];

/// What a component says of itself.
pub struct About {
    /// Its name, which is that of its file.
    pub name: &'static str,
    /// One sentence.
    pub description: &'static str,
}

impl Artifacts {
    /// The tool, built if need be.
    pub fn tool(&self) -> PathBuf {
        let tool = self.folder.join(TOOL);
        if !self.tool_is_current() {
            let arguments = ["--profile", "tool", "--features", "tool"];
            cargo::build(&self.workspace, &self.folder, TOOL, &arguments);
            self.keep_tool(&self.folder.join("tool").join(TOOL));
        }
        tool
    }

    /// Whether the tool is there and nothing that it is built from is newer.
    pub fn tool_is_current(&self) -> bool {
        let Ok(built) = modified(&self.folder.join(TOOL)) else {
            return false;
        };
        let sources = SOURCES.iter().map(|source| self.workspace.join(source));
        sources
            .into_iter()
            .all(|source| newest(&source).is_ok_and(|changed| changed <= built))
    }

    /// Keeps the tool that somebody built.
    pub fn keep_tool(&self, built: &Path) {
        let tool = self.folder.join(TOOL);
        let copied = fs::create_dir_all(&self.folder).and_then(|()| {
            // Beside it and renamed: somebody may be running the one that is there.
            let new = tool.with_extension("new");
            fs::copy(built, &new)?;
            fs::File::open(&new)?.set_modified(SystemTime::now())?;
            fs::rename(&new, &tool)
        });
        copied.unwrap_or_else(|error| panic!("{} cannot be kept: {error}", built.display()));
    }

    /// Compiles a component to machine code for a target.
    pub fn precompile(&self, component: &Path, target: &str, output: &Path) {
        let mut command = self.command("precompile");
        command.arg(component).args(["--target", target]);
        cargo::run(command.arg("--output").arg(output));
    }

    /// A copy of a component that says what it is, to people who find it in a registry. `revision`: the commit it was
    /// built from, where that is known.
    pub fn describe(&self, component: &Path, about: &About, revision: Option<&str>, output: &Path) {
        let mut command = self.command("describe");
        command
            .arg(component)
            .args(["--name", about.name, "--description", about.description])
            .args(["--version", env!("CARGO_PKG_VERSION")])
            .args(["--license", env!("CARGO_PKG_LICENSE")])
            .args(["--source", env!("CARGO_PKG_REPOSITORY")]);
        if let Some(revision) = revision {
            command.args(["--revision", revision]);
        }
        cargo::run(command.arg("--output").arg(output));
    }

    pub(crate) fn plug(&self, socket: &Path, plug: &Path, output: &Path) {
        let mut command = self.command("plug");
        command.arg(socket).arg("--plug").arg(plug);
        cargo::run(command.arg("--output").arg(output));
    }

    pub(crate) fn serve(
        &self,
        handler: &Path,
        health: &Path,
        provider: Option<&Path>,
        output: &Path,
    ) {
        let mut command = self.command("serve");
        command.arg(handler).arg("--health").arg(health);
        if let Some(provider) = provider {
            command.arg("--provider").arg(provider);
        }
        cargo::run(command.arg("--output").arg(output));
    }

    fn command(&self, verb: &str) -> Command {
        let mut command = Command::new(self.tool());
        command.arg(verb);
        command
    }
}

fn modified(path: &Path) -> io::Result<SystemTime> {
    fs::metadata(path)?.modified()
}

/// When the newest file in or under this path was changed.
fn newest(path: &Path) -> io::Result<SystemTime> {
    if !path.is_dir() {
        return modified(path);
    }
    let mut newest = SystemTime::UNIX_EPOCH;
    for entry in fs::read_dir(path)? {
        newest = newest.max(self::newest(&entry?.path())?);
    }
    Ok(newest)
}
