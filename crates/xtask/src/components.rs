//! `cargo xtask components`: the components into dist/.

use crate::shell::{revision, say, workspace};
use crate::{files, install};
use anyhow::Result;
use cache_health_artifacts::{About, Artifacts, Component, WASM};

/// What a registry shows of each component.
const HEALTH: About = About {
    name: "cache-health",
    description: "Proves that an app can use its Azure Redis cache, over capabilities that its host supplies",
};
const FOR_SPIN: About = About {
    name: "cache-health-for-spin",
    description: "cache-health with a provider of its capabilities for Spin inside",
};
const SPIN_APP: About = About {
    name: "cache-health-spin-app",
    description: "cache-health as an application of Spin: /livez, /readyz and /healthz",
};
const HTTP: About = About {
    name: "cache-health-http",
    description: "cache-health behind HTTP, for hosts that supply its capabilities",
};
const MIDDLEWARE: About = About {
    name: "cache-health-middleware",
    description: "/livez, /readyz and /healthz before any application of wasi:http, for hosts that supply its capabilities",
};
const MIDDLEWARE_FOR_SPIN: About = About {
    name: "cache-health-middleware-for-spin",
    description: "/livez, /readyz and /healthz before any HTTP application of Spin",
};
const HELLO_APP: About = About {
    name: "hello-app",
    description: "An example of an application that knows nothing of cache-health",
};
const CHAINING_APP: About = About {
    name: "chaining-app",
    description: "An example of an application that asks cache-health beside it, over HTTP",
};
const RUST_APP: About = About {
    name: "rust-app",
    description: "An example of a component that asks cache-health for a verdict",
};

/// The folders of WIT: what others write against.
const WIT: [&str; 4] = [
    "wit",
    "wit/deps",
    "wit/deps/cache-health-probe",
    "wit/deps/cache-health-capabilities",
];

/// Builds and composes the components, and puts them into dist/ with what they say of themselves.
pub fn ship() -> Result<()> {
    install::targets()?;
    let artifacts = Artifacts::of(&workspace());
    say(&format!("building the components ({WASM})"));
    artifacts.compose();
    let dist = workspace().join("dist");
    std::fs::create_dir_all(&dist)?;
    let revision = revision();
    for (component, about) in [
        (artifacts.component(Component::Health), HEALTH),
        (artifacts.for_spin(), FOR_SPIN),
        (artifacts.spin_app(), SPIN_APP),
        (artifacts.http(), HTTP),
        (artifacts.middleware(), MIDDLEWARE),
        (artifacts.middleware_for_spin(), MIDDLEWARE_FOR_SPIN),
        (artifacts.component(Component::RustApp), RUST_APP),
        (artifacts.component(Component::HelloApp), HELLO_APP),
        (artifacts.component(Component::ChainingApp), CHAINING_APP),
    ] {
        let to = dist.join(about.name).with_extension("wasm");
        artifacts.describe(&component, &about, revision.as_deref(), &to);
    }
    // One may be left of an earlier version.
    let _ = std::fs::remove_dir_all(dist.join("wit"));
    for folder in WIT {
        files::copy_all(&workspace().join(folder), &dist.join(folder))?;
    }
    Ok(())
}
