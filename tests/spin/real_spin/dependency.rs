//! An application that depends on health.

use super::with_a_key;
use crate::fixtures::spin::Launch;
use crate::fixtures::{Azure, artifacts};
use cache_health_artifacts::Component;
use cache_health_report::Kind;
use std::path::Path;

const EXAMPLE: &str = "examples/rust-app/spin.toml";
const APP: &str = "../../dist/rust-app.wasm";
const HEALTH: &str = "../../dist/cache-health-for-spin.wasm";
const INHERITS: &str = "inherit_configuration = [\"allowed_outbound_hosts\", \"variables\"]";

/// What the example answers, with this as what it depends on, and a change of its manifest.
fn example(azure: &Azure, health: &Path, text: &str, with: &str) -> (u16, String) {
    let application = with_a_key(azure);
    let launch = Launch::of(EXAMPLE, &application).changed(text, with);
    let app = artifacts().component(Component::RustApp);
    launch.built(APP, &app).built(HEALTH, health).up().get("/")
}

#[test]
#[ignore = "needs spin: cargo xtask test, with a spin on PATH"]
fn an_application_depends_on_health_and_gets_its_verdict() {
    let (status, body) = example(&Azure::start(), &artifacts().for_spin(), "", "");
    assert_eq!(status, 200, "{body}");
    assert!(body.starts_with("Hello! $REDIS_HOST:"), "{body}");
}

#[test]
#[ignore = "needs spin: cargo xtask test, with a spin on PATH"]
fn an_application_of_this_version_runs_with_health_of_the_next() {
    let newer = artifacts().component(Component::NewerHealth);
    // Spin looks the export up by its full name, unless the manifest gives it.
    let path = format!("path = \"{HEALTH}\"");
    let with_export = format!("{path}, export = \"cache-health:probe/health@0.2.1\"");
    let (status, body) = example(&Azure::start(), &newer, &path, &with_export);
    assert_eq!(status, 503);
    assert_eq!(body, "from the future\nWhat to do: wait for it\n");
}

#[test]
#[ignore = "needs spin: cargo xtask test, with a spin on PATH"]
fn a_dependency_that_inherits_nothing_is_told_so() {
    // Nothing at all, and a name that Spin passes over in silence.
    for instead in [
        "",
        "inherit_configuration = [\"allowed_outbound_hosts\", \"variable\"]",
    ] {
        let comma = if instead.is_empty() { ", " } else { "" };
        let text = format!("{comma}{INHERITS}");
        let (status, body) = example(&Azure::start(), &artifacts().for_spin(), &text, instead);
        assert_eq!(status, 503, "{body}");
        assert!(
            body.contains("no other variable reaches this component"),
            "{body}"
        );
        assert!(body.contains(INHERITS), "{body}");
    }
}

#[test]
#[ignore = "needs spin: cargo xtask test, with a spin on PATH"]
fn a_dependency_that_inherits_no_outbound_hosts_is_told_so() {
    let variables_only = "inherit_configuration = [\"variables\"]";
    let health = artifacts().for_spin();
    let (status, body) = example(&Azure::start(), &health, INHERITS, variables_only);
    assert_eq!(status, 503, "{body}");
    assert!(
        body.contains("allow the connection: inherit_configuration\n"),
        "{}: {body}",
        Kind::NotAllowed
    );
}
