//! What is made of WebAssembly: the components, what is composed of them, and the machine code that the program embeds.
//!
//! The program embeds machine code of a component, which the same workspace builds for another target. That is a cargo
//! inside cargo; the inner one has a target folder of its own (`target/components`), since two on one folder would wait
//! for each other for ever. What it builds is shared by all profiles and targets of the program.
//!
//! A step that fails panics with the command: the callers (a build script, `cargo xtask`, the tests) have nothing
//! better to do.

mod cargo;
mod component;
mod tool;

pub use component::Component;
pub use tool::{About, TOOL};

use std::env;
use std::path::{Path, PathBuf};

/// The target of the components.
pub const WASM: &str = "wasm32-wasip2";
/// What the machine code of the health component is made from, relative to the workspace.
pub const HEALTH_SOURCES: [&str; 9] = [
    "Cargo.lock",
    "Cargo.toml",
    "crates/artifacts",
    "crates/compose",
    "crates/diagnosis",
    "crates/report",
    "rust-toolchain.toml",
    "src",
    "wit",
];

/// Where cargo puts what it builds of this workspace.
pub fn target(workspace: &Path) -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace.join("target"), PathBuf::from)
}

/// Where everything of WebAssembly is built.
pub struct Artifacts {
    workspace: PathBuf,
    folder: PathBuf,
}

impl Artifacts {
    /// Those of this workspace, built or not.
    pub fn of(workspace: &Path) -> Self {
        Self {
            workspace: workspace.to_owned(),
            folder: target(workspace).join("components"),
        }
    }

    /// Builds these components, each by itself: built together they would share features, and the health component
    /// would carry the JSON of the others.
    pub fn build(&self, components: &[Component]) {
        for component in components {
            let arguments = ["--target", WASM, "--profile", component.profile()];
            cargo::build(
                &self.workspace,
                &self.folder,
                component.package(),
                &arguments,
            );
        }
    }

    /// Where a component is, once it was built.
    pub fn component(&self, component: Component) -> PathBuf {
        let folder = self.folder.join(WASM).join(component.profile());
        folder.join(component.file())
    }

    /// Builds and composes what ships, and what the tests compose.
    pub fn compose(&self) {
        self.build(&Component::ALL);
        let handler = self.component(Component::HttpService);
        let health = self.component(Component::Health);
        let provider = self.component(Component::SpinProvider);
        self.plug(&health, &provider, &self.for_spin());
        self.serve(&handler, &health, None, &self.http());
        self.serve(&handler, &health, Some(&provider), &self.spin_app());
        let middleware = self.component(Component::HttpMiddleware);
        self.serve(&middleware, &health, None, &self.middleware());
        let for_spin = self.middleware_for_spin();
        self.serve(&middleware, &health, Some(&provider), &for_spin);
    }

    /// The middleware before any application, for hosts that supply the capabilities.
    pub fn middleware(&self) -> PathBuf {
        self.folder.join("cache-health-middleware.wasm")
    }

    /// The same with Spin's provider inside.
    pub fn middleware_for_spin(&self) -> PathBuf {
        self.folder.join("cache-health-middleware-for-spin.wasm")
    }

    /// The composition for hosts that supply the capabilities: the HTTP component before health.
    pub fn http(&self) -> PathBuf {
        self.folder.join("cache-health-http.wasm")
    }

    /// Health with Spin's provider inside, exporting `health`.
    pub fn for_spin(&self) -> PathBuf {
        self.folder.join("cache-health-for-spin.wasm")
    }

    /// The Spin application: the HTTP component, health and Spin's provider.
    pub fn spin_app(&self) -> PathBuf {
        self.folder.join("cache-health-spin-app.wasm")
    }
}
