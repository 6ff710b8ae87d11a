//! What a fresh machine lacks: installed where that can be done without asking, named otherwise.

use crate::shell::{check, output, say, succeeds};
use anyhow::{Result, bail, ensure};
use std::path::Path;
use std::process::Command;

/// The target of the program in dist/.
pub const MUSL: &str = "x86_64-unknown-linux-musl";
pub use cache_health_artifacts::WASM;

/// The compiler's targets.
pub fn targets() -> Result<()> {
    let installed = output(Command::new("rustup").args(["target", "list", "--installed"]));
    let Some(installed) = installed else {
        // A Rust without rustup: the build says what is missing, if anything is.
        return Ok(());
    };
    for target in [WASM, MUSL] {
        if !installed.lines().any(|line| line == target) {
            say(&format!("installing the target {target}"));
            check(Command::new("rustup").args(["target", "add", target]))?;
        }
    }
    Ok(())
}

/// A C compiler for musl: rustls' cryptography is part C.
pub fn musl_tools() -> Result<()> {
    package("musl-tools", "musl-gcc")
}

/// A Redis server that speaks TLS.
pub fn redis_server() -> Result<()> {
    package("redis-server", "redis-server")
}

/// What builds and runs the image, with a runtime that works without a login session.
pub fn podman() -> Result<()> {
    package("runc", "runc")?;
    package("podman", "podman")
}

/// What makes RSA keys for tests.
pub fn openssl() -> Result<()> {
    package("openssl", "openssl")
}

/// What lints the scripts.
pub fn shellcheck() -> Result<()> {
    package("shellcheck", "shellcheck")
}

/// What counts instructions.
pub fn valgrind() -> Result<()> {
    package("valgrind", "valgrind")
}

/// `chromium`.
pub fn chromium() -> Result<()> {
    package("chromium", "chromium")
}

/// `prometheus` with its `promtool`.
pub fn prometheus() -> Result<()> {
    package("prometheus", "promtool")
}

/// Packages of PyPI, each with its version, in a virtual environment of their own, where these are not there yet. What was
/// installed is written down last: an installation that broke off is made again.
pub fn from_pypi(venv: &Path, packages: &[&str]) -> Result<()> {
    let installed = venv.join("installed");
    let names = packages.join(", ");
    if std::fs::read_to_string(&installed).is_ok_and(|text| text == names) {
        return Ok(());
    }
    say(&format!("installing {names} into {}", venv.display()));
    let made = succeeds(Command::new("python3").args(["-m", "venv"]).arg(venv))
        && succeeds(
            Command::new(venv.join("bin/pip"))
                .args(["install", "-q"])
                .args(packages),
        );
    ensure!(made, "no python3, or no PyPI");
    Ok(std::fs::write(installed, names)?)
}

/// Whether this is root.
pub fn is_root() -> bool {
    output(Command::new("id").arg("-u")).is_some_and(|id| id.trim() == "0")
}

fn package(name: &str, program: &str) -> Result<()> {
    let find = format!("command -v {program}");
    if succeeds(Command::new("sh").args(["-c", &find])) {
        return Ok(());
    }
    let apt = succeeds(Command::new("apt-get").arg("--version"));
    if !(is_root() && apt) {
        bail!("{program} is missing: install {name} (on Debian: sudo apt-get install {name})");
    }
    say(&format!("installing {name}"));
    let policy = NoServices::enforce();
    // Package lists can be missing or too old to be of use.
    let install = || {
        succeeds(
            Command::new("apt-get")
                .args(["install", "-y", "-q", "--no-install-recommends", name])
                .env("DEBIAN_FRONTEND", "noninteractive"),
        )
    };
    if !install() {
        check(Command::new("apt-get").args(["update", "-q"]))?;
        if !install() {
            bail!("apt-get cannot install {name}");
        }
    }
    drop(policy);
    Ok(())
}

/// Keeps Debian from starting the service of a package that is installed for its program only
/// (invoke-rc.d(8): exit code 101 of `policy-rc.d` means that the action is not allowed).
struct NoServices(bool);

const POLICY: &str = "/usr/sbin/policy-rc.d";

impl NoServices {
    fn enforce() -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        if std::path::Path::new(POLICY).exists() {
            return Self(false);
        }
        let written = std::fs::write(POLICY, "#!/bin/sh\nexit 101\n").and_then(|()| {
            std::fs::set_permissions(POLICY, std::fs::Permissions::from_mode(0o755))
        });
        Self(written.is_ok())
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if self.0 {
            let _ = std::fs::remove_file(POLICY);
        }
    }
}

/// Installs packages of npm, each with its version, into `node_modules` of a folder where one is not there. Together: npm takes
/// out what it was not told to keep.
pub fn from_npm(folder: &Path, packages: &[(&str, &str)]) -> Result<()> {
    let there = |(package, _): &(&str, &str)| folder.join("node_modules").join(package).exists();
    if packages.iter().all(there) {
        return Ok(());
    }
    let versioned = packages
        .iter()
        .map(|(package, version)| format!("{package}@{version}"));
    let versioned: Vec<String> = versioned.collect();
    say(&format!(
        "installing {} into {}",
        versioned.join(", "),
        folder.display()
    ));
    let mut npm = Command::new("npm");
    npm.args(["install", "--silent", "--no-save", "--prefix"]);
    let installed = succeeds(npm.arg(folder).args(&versioned));
    ensure!(installed, "no npm, or no registry");
    Ok(())
}
