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
const SOURCES: [&str; 11] = [
    "Cargo.lock",
    "Cargo.toml",
    "src",
    "wit",
    "crates/compose",
    "crates/engine",
    "crates/http-front",
    "crates/provider",
    "crates/report",
    "crates/spin-provider",
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

    let guests = [
        "cache-health",
        "cache-health-http-front",
        "cache-health-spin-provider",
    ];
    let wasm = ["--target", "wasm32-wasip2", "--profile", "component"];
    cargo(&workspace, &target_dir, &guests, &wasm);
    cargo(
        &workspace,
        &target_dir,
        &["cache-health-compose"],
        &["--profile", "tool"],
    );

    let built = |name: &str| target_dir.join("wasm32-wasip2/component").join(name);
    let composed = |name: &str| target_dir.join(name);
    let compose = Compose(target_dir.join("tool/cache-health-compose"));
    let (front, health) = (
        built("cache_health_http_front.wasm"),
        built("cache_health.wasm"),
    );
    let spin = built("cache_health_spin_provider.wasm");

    // For this program to embed.
    let own = composed("cache-health-own-host.wasm");
    compose.plug(&front, &health, &own);
    compose.precompile(&own, &out.join("cache-health.cwasm"));
    // For Spin: health with its provider inside, and the application with a front before that.
    let dependency = composed("cache-health-for-spin.wasm");
    compose.plug(&health, &spin, &dependency);
    let application = composed("cache-health-spin-app.wasm");
    compose.plug(&front, &dependency, &application);
    // For the tests, which run the Spin application on interfaces like Spin's.
    compose.precompile(&application, &composed("cache-health-spin-app.cwasm"));
}

/// The build tool `cache-health-compose`.
struct Compose(PathBuf);

impl Compose {
    fn plug(&self, socket: &Path, plug: &Path, output: &Path) {
        let mut command = Command::new(&self.0);
        command.arg("plug").arg(socket).arg("--plug").arg(plug);
        run(command.arg("--output").arg(output));
    }

    fn precompile(&self, component: &Path, output: &Path) {
        let mut command = Command::new(&self.0);
        command
            .arg("precompile")
            .arg(component)
            .args(["--target", &var("TARGET")]);
        run(command.arg("--output").arg(output));
    }
}

fn cargo(workspace: &Path, target_dir: &Path, packages: &[&str], rest: &[&str]) {
    let mut command = Command::new(var("CARGO"));
    command.current_dir(workspace).arg("build").args(rest);
    for package in packages {
        command.args(["-p", package]);
    }
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
