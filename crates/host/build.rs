//! Builds the components, composes them, and precompiles the result for this program to embed.
//!
//! The host needs machine code made from components, which are built for another target by the
//! same workspace. That is a cargo inside cargo; the inner one has a target folder of its own
//! (`target/components`), since two on one folder would wait for each other for ever. What it
//! builds is shared by all profiles and targets of the host, so it costs its time once.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the composed component is made from, relative to the workspace.
const SOURCES: [&str; 9] = [
    "Cargo.lock",
    "Cargo.toml",
    "src",
    "wit",
    "crates/compose",
    "crates/engine",
    "crates/http-front",
    "crates/report",
    "rust-toolchain.toml",
];

fn main() {
    let workspace = Path::new(&var("CARGO_MANIFEST_DIR")).join("../..");
    let out = PathBuf::from(var("OUT_DIR"));
    for source in SOURCES {
        println!(
            "cargo::rerun-if-changed={}",
            workspace.join(source).display()
        );
    }
    let target_dir = env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| workspace.join("target"), PathBuf::from)
        .join("components");

    let wasm = ["--target", "wasm32-wasip2", "--profile", "component"];
    cargo(
        &workspace,
        &target_dir,
        "build",
        &["-p", "cache-health", "-p", "cache-health-http-front"],
        &wasm,
    );
    cargo(
        &workspace,
        &target_dir,
        "build",
        &["-p", "cache-health-compose"],
        &["--profile", "tool"],
    );

    let built = target_dir.join("wasm32-wasip2/component");
    let compose = target_dir.join("tool/cache-health-compose");
    let composed = target_dir.join("cache-health.wasm");
    run(Command::new(&compose)
        .arg("plug")
        .arg(built.join("cache_health_http_front.wasm"))
        .arg("--plug")
        .arg(built.join("cache_health.wasm"))
        .arg("--output")
        .arg(&composed));
    run(Command::new(&compose)
        .arg("precompile")
        .arg(&composed)
        .args(["--target", &var("TARGET"), "--output"])
        .arg(out.join("cache-health.cwasm")));
}

fn cargo(workspace: &Path, target_dir: &Path, verb: &str, packages: &[&str], rest: &[&str]) {
    let mut command = Command::new(var("CARGO"));
    command
        .current_dir(workspace)
        .arg(verb)
        .args(packages)
        .args(rest);
    command.arg("--target-dir").arg(target_dir);
    // What the outer cargo set for building this program is not meant for the inner one: clippy's
    // wrapper, flags for the outer target, a linker.
    command.env("CARGO_TARGET_WASM32_WASIP2_RUSTFLAGS", remap(workspace));
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        let outer = [
            "CARGO_ENCODED_RUSTFLAGS",
            "RUSTFLAGS",
            "RUSTC",
            "RUSTC_WRAPPER",
        ];
        if text.starts_with("RUSTC_WORKSPACE_WRAPPER") || outer.contains(&&*text) {
            command.env_remove(&name);
        }
    }
    run(&mut command);
}

/// Keeps the builder's folders out of the components: they would only make them bigger, and
/// different on each machine.
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

fn run(command: &mut Command) {
    let status = command.status();
    assert!(
        status.as_ref().is_ok_and(std::process::ExitStatus::success),
        "{command:?} failed: {status:?}"
    );
}

fn var(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("cargo sets {name} for build scripts"))
}
