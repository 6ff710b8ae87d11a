//! `cargo xtask image`: the image, with whichever of podman, buildah and docker is there.

use crate::build::target;
use crate::files::copy;
use crate::install::{self, MUSL};
use crate::shell::{cargo, check, revision, say, succeeds, workspace};
use anyhow::{Context as _, Result, bail};
use clap::Args;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The tag unless another is given.
pub const TAG: &str = "localhost/cache-health:dev";
/// The profile that the image's program is built with.
pub const PROFILE: &str = "container";
/// The largest image that is acceptable, in bytes.
const MOST_BYTES: u64 = 15 * 1000 * 1000;
const DOCKERFILE: &str = "deploy/container/Dockerfile";

/// The arguments of `image`.
#[derive(Args)]
pub struct ImageArgs {
    /// The image's name and tag.
    #[arg(long, default_value = TAG)]
    tag: String,
    /// Only build the program, into target/image/ (what the Dockerfile calls).
    #[arg(long)]
    program_only: bool,
}

/// Builds the program and puts it into an image.
pub fn image(args: &ImageArgs) -> Result<()> {
    if args.program_only {
        return program().map(drop);
    }
    build(&args.tag)
}

/// The same under this tag.
pub fn build(tag: &str) -> Result<()> {
    let program = program()?;
    let Some(engine) = engine() else {
        bail!("none of podman, buildah and docker works here: install one, or use --program-only");
    };
    assemble(engine, &program, tag)
}

/// The program for the image: without the compiler that `serve --component` needs.
pub fn program() -> Result<PathBuf> {
    install::targets()?;
    install::musl_tools()?;
    say("building the program for the image; minutes the first time");
    let package = ["-p", "cache-health-host", "--no-default-features"];
    check(cargo(&["build", "--profile", PROFILE, "--target", MUSL]).args(package))?;
    let folder = target().join("image");
    std::fs::create_dir_all(&folder)?;
    let program = folder.join("cache-health");
    copy(&built("cache-health"), &program)?;
    let size = std::fs::metadata(&program)?.len();
    say(&format!("{} has {size} bytes", program.display()));
    if size > MOST_BYTES {
        bail!("the program has more than {MOST_BYTES} bytes");
    }
    Ok(program)
}

/// Where cargo puts a program that it builds like the image's.
pub fn built(name: &str) -> PathBuf {
    target().join(MUSL).join(PROFILE).join(name)
}

/// What builds images here.
fn engine() -> Option<&'static str> {
    ["podman", "buildah", "docker"]
        .into_iter()
        // `info` fails where the program is there and cannot work, such as docker without a daemon.
        .find(|engine| succeeds(Command::new(engine).arg("info")))
}

fn assemble(engine: &str, program: &Path, tag: &str) -> Result<()> {
    let context = program.parent().context("a file in a folder")?;
    let revision = revision().unwrap_or_else(|| "unknown".to_owned());
    say(&format!("building {tag} with {engine}"));
    let verb = if engine == "buildah" { "bud" } else { "build" };
    let mut command = Command::new(engine);
    command
        .args([verb, "--target", "prebuilt", "--tag", tag, "--file"])
        .arg(workspace().join(DOCKERFILE))
        .arg("--build-arg")
        .arg(format!("VERSION={}", env!("CARGO_PKG_VERSION")))
        .arg("--build-arg")
        .arg(format!("REVISION={revision}"))
        .arg(context);
    check(&mut command)
}
