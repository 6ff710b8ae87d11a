//! Builds the components, composes them, and precompiles the result: for the host's build script
//! and for `cargo xtask`.
//!
//! The host embeds machine code made from components, which are built for another target by the
//! same workspace. That is a cargo inside cargo; the inner one has a target folder of its own
//! (`target/components`), since two on one folder would wait for each other for ever. What it
//! builds is shared by all profiles and targets of the host, so it costs its time once.
//!
//! A step that fails panics with the command: both callers have nothing better to do.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

/// The target of the components.
pub const WASM: &str = "wasm32-wasip2";
/// What the components are made from, relative to the workspace.
pub const SOURCES: [&str; 15] = [
    "Cargo.lock",
    "Cargo.toml",
    "src",
    "wit",
    "crates/compose",
    "crates/engine",
    "crates/guests",
    "crates/diagnosis",
    "crates/http-handler",
    "crates/provider",
    "crates/report",
    "crates/spin-provider",
    "examples/rust-app",
    "rust-toolchain.toml",
    "tests/guests",
];

/// The packages that are components.
const PACKAGES: [&str; 6] = [
    "cache-health",
    "cache-health-http-handler",
    "cache-health-spin-provider",
    "hostile-guest",
    "newer-health",
    "rust-app",
];

/// What a component is.
pub struct About {
    /// Its name, which is that of its file.
    pub name: &'static str,
    /// One sentence.
    pub description: &'static str,
}

/// The components, built.
pub struct Guests {
    folder: PathBuf,
}

impl Guests {
    /// Builds and composes everything that is WebAssembly.
    pub fn build(workspace: &Path) -> Self {
        let guests = Self::built(workspace);
        let folder = &guests.folder;
        cargo(
            workspace,
            folder,
            &PACKAGES,
            &["--target", WASM, "--profile", "component"],
        );
        cargo(
            workspace,
            folder,
            &["cache-health-compose"],
            &["--profile", "tool"],
        );

        let (handler, health) = (guests.raw("cache_health_http_handler"), guests.health());
        let provider = guests.raw("cache_health_spin_provider");
        // For hosts that supply the capabilities.
        guests.serve(&handler, &health, None, &guests.http());
        // For Spin: health with its provider inside, and the application with the HTTP component before that.
        guests.plug(&health, &provider, &guests.for_spin());
        guests.serve(&handler, &health, Some(&provider), &guests.spin_app());
        guests
    }

    /// Where they are, once they were built.
    pub fn built(workspace: &Path) -> Self {
        let target =
            env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace.join("target"), PathBuf::from);
        Self {
            folder: target.join("components"),
        }
    }

    /// The bare health component.
    pub fn health(&self) -> PathBuf {
        self.raw("cache_health")
    }

    /// The composition for hosts that supply the capabilities: the HTTP component before health.
    pub fn http(&self) -> PathBuf {
        self.folder.join("cache-health-http.wasm")
    }

    /// Health with Spin's provider inside, exporting `health`.
    pub fn for_spin(&self) -> PathBuf {
        self.folder.join("cache-health-for-spin.wasm")
    }

    /// The Spin application.
    pub fn spin_app(&self) -> PathBuf {
        self.folder.join("cache-health-spin-app.wasm")
    }

    /// The example of somebody else's application.
    pub fn rust_app(&self) -> PathBuf {
        self.raw("rust_app")
    }

    /// The component that misbehaves on purpose.
    pub fn hostile(&self) -> PathBuf {
        self.raw("hostile_guest")
    }

    /// The HTTP component by itself.
    pub fn http_handler(&self) -> PathBuf {
        self.raw("cache_health_http_handler")
    }

    /// The health component of the next version, for tests.
    pub fn newer_health(&self) -> PathBuf {
        self.raw("newer_health")
    }

    /// The tool that composes.
    pub fn compose_tool(&self) -> PathBuf {
        self.folder.join("tool/cache-health-compose")
    }

    /// The Spin application as machine code, for the tests.
    pub fn spin_app_code(&self) -> PathBuf {
        self.folder.join("cache-health-spin-app.cwasm")
    }

    /// A copy of a component that says what it is: to people who find it in a registry. `revision`: the commit it
    /// was built from, where that is known.
    pub fn describe(&self, component: &Path, about: &About, revision: Option<&str>, output: &Path) {
        let mut command = self.compose("describe");
        command
            .arg(component)
            .args(["--name", about.name, "--description", about.description])
            .args(["--version", env!("CARGO_PKG_VERSION")])
            .args(["--license", env!("CARGO_PKG_LICENSE")])
            .args(["--source", env!("CARGO_PKG_REPOSITORY")]);
        if let Some(revision) = revision {
            command.args(["--revision", revision]);
        }
        run(command.arg("--output").arg(output));
    }

    /// Compiles a component to machine code.
    pub fn precompile(&self, component: &Path, target: &str, output: &Path) {
        let mut command = self.compose("precompile");
        command
            .arg(component)
            .args(["--target", target, "--output"]);
        run(command.arg(output));
    }

    fn raw(&self, name: &str) -> PathBuf {
        self.folder
            .join(WASM)
            .join("component")
            .join(name)
            .with_extension("wasm")
    }

    fn plug(&self, socket: &Path, plug: &Path, output: &Path) {
        let mut command = self.compose("plug");
        command.arg(socket).arg("--plug").arg(plug).arg("--output");
        run(command.arg(output));
    }

    fn serve(&self, handler: &Path, health: &Path, provider: Option<&Path>, output: &Path) {
        let mut command = self.compose("serve");
        command.arg(handler).arg("--health").arg(health);
        if let Some(provider) = provider {
            command.arg("--provider").arg(provider);
        }
        run(command.arg("--output").arg(output));
    }

    fn compose(&self, verb: &str) -> Command {
        let mut command = Command::new(self.compose_tool());
        command.arg(verb);
        command
    }
}

fn cargo(workspace: &Path, folder: &Path, packages: &[&str], rest: &[&str]) {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(workspace).args(["build", "--locked"]);
    command.args(rest);
    for package in packages {
        command.args(["-p", package]);
    }
    command.arg("--target-dir").arg(folder);
    command.env("CARGO_TARGET_WASM32_WASIP2_RUSTFLAGS", remap(workspace));
    // What an outer cargo set for building its program is not meant for the inner one: clippy's
    // wrapper, flags for the outer target.
    for (name, _) in env::vars_os() {
        let outer = [
            "CARGO_ENCODED_RUSTFLAGS",
            "RUSTFLAGS",
            "RUSTC",
            "RUSTC_WRAPPER",
        ];
        let text = name.to_string_lossy();
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
        status.as_ref().is_ok_and(ExitStatus::success),
        "{command:?} failed: {status:?}"
    );
}
