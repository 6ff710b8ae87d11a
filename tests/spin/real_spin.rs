//! Under a real `spin up`: the cases, the example that depends on health, and what Spin makes of a version to come.

use super::cases::{Scene, cases};
use crate::fixtures::spin::{self, Spin, with_built};
use crate::fixtures::spin_host::Application;
use crate::fixtures::{Azure, artifacts, workspace};
use cache_health_artifacts::Component;
use cache_health_report::Status;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

const EXAMPLE: &str = "examples/rust-app/spin.toml";
const EXAMPLES_APP: &str = "../../dist/rust-app.wasm";
const EXAMPLES_HEALTH: &str = "../../dist/cache-health-for-spin.wasm";

/// An application with an access key.
fn with_a_key(azure: &Azure) -> Application {
    let variables = HashMap::from([
        ("redis_host".to_owned(), "localhost".to_owned()),
        ("redis_port".to_owned(), azure.redis.port().to_string()),
        ("redis_access_key".to_owned(), azure.access_key.clone()),
    ]);
    let mut application = Application {
        variables,
        ca_file: azure.redis.ca_file(),
        unreadable: None,
        connections: Arc::default(),
    };
    application.has_an_operator();
    application
}

/// The example, with this as what it depends on.
fn example(azure: &Azure, change: impl Fn(String) -> String, health: &Path) -> Spin {
    let manifest = std::fs::read_to_string(workspace().join(EXAMPLE)).expect("a manifest");
    let app = artifacts().component(Component::RustApp);
    let files = [(EXAMPLES_APP, app.as_path()), (EXAMPLES_HEALTH, health)];
    Spin::of(&with_built(&change(manifest), &files), &with_a_key(azure))
}

#[test]
#[ignore = "needs spin: cargo xtask test, with a spin on PATH"]
fn an_application_depends_on_health_and_gets_its_verdict() {
    let azure = Azure::start();
    let spin = example(&azure, |manifest| manifest, &artifacts().for_spin());
    let (status, body) = spin.get("/");
    assert_eq!(status, 200, "{body}");
    assert!(body.starts_with("Hello! $REDIS_HOST:"), "{body}");
}

#[test]
#[ignore = "needs spin: cargo xtask test, with a spin on PATH"]
fn an_application_of_this_version_runs_with_health_of_the_next() {
    let azure = Azure::start();
    // Spin looks the export up by its full name, unless the manifest gives it.
    let change = |manifest: String| {
        let path = format!("path = \"{EXAMPLES_HEALTH}\"");
        let with_export = format!("{path}, export = \"cache-health:probe/health@0.2.1\"");
        manifest.replace(&path, &with_export)
    };
    let newer = artifacts().component(Component::NewerHealth);
    let (status, body) = example(&azure, change, &newer).get("/");
    assert_eq!(status, 503);
    assert_eq!(body, "from the future\nWhat to do: wait for it\n");
}

#[test]
#[ignore = "needs spin: cargo xtask test, with a spin on PATH"]
fn the_composition_for_spin_imports_nothing_of_ours() {
    // `spin up` refuses a component whose imports nobody supplies, so that it starts is the proof.
    let azure = Azure::start();
    let app = artifacts().spin_app();
    let named = "dist/cache-health-spin-app.wasm";
    let spin = Spin::up("spin.toml", &[(named, &app)], &with_a_key(&azure));
    assert_eq!(spin.get("/livez").0, 200);
}

#[test]
#[ignore = "needs spin: cargo xtask test, with a spin on PATH"]
fn a_real_spin_gives_the_same_verdicts() {
    let mut wrong = Vec::new();
    for case in cases() {
        let scene = Scene::of(&case);
        let (status, document) = spin::verdict(&scene.application());
        if let Err(why) = case.expect.compare(&document, case.expect.on_spin()) {
            wrong.push(format!("{}: {why}", case.name));
        }
        let expected = if case.expect.status == Status::Fail {
            503
        } else {
            200
        };
        assert_eq!(status, expected, "{}", case.name);
        println!("under a real spin up: {}", case.name);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
