//! How the WIT packages grow: a consumer that was built for 0.2.0 works with a health component of 0.2.1 that has one more
//! function and says one more kind.

use crate::fixtures::{Azure, artifacts, plugged};
use cache_health_artifacts::Component;
use std::process::Command;

#[test]
fn a_consumer_of_this_version_works_with_a_health_component_of_the_next() {
    let folder = tempfile::tempdir().expect("a folder");
    let app = plugged(
        folder.path(),
        &artifacts().component(Component::RustApp),
        &artifacts().component(Component::NewerHealth),
    );
    let azure = Azure::start();
    let server = azure
        .check_key()
        .env("RUST_LOG", "info")
        .serve_with(&["--component", &app.display().to_string()]);
    let answer = server.get("/");
    assert_eq!(answer.status, 503);
    assert_eq!(answer.body, "from the future\nWhat to do: wait for it\n");
}

#[test]
fn the_http_component_calls_a_kind_that_it_does_not_know_internal() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = plugged(
        folder.path(),
        &artifacts().component(Component::HttpService),
        &artifacts().component(Component::NewerHealth),
    );
    let azure = Azure::start();
    let server = azure
        .check_key()
        .env("RUST_LOG", "info")
        .serve_with(&["--component", &output.display().to_string()]);
    // Its own routes are the host's; what is left to it is everything else.
    assert_eq!(server.get("/nothing").body, "no such route; try /healthz\n");
}

#[test]
fn what_is_not_plugged_is_not_passed_over() {
    // The twin: the HTTP component imports `access` as well, which the health component does not export.
    let folder = tempfile::tempdir().expect("a folder");
    let plugged = Command::new(artifacts().tool())
        .arg("plug")
        .arg(artifacts().component(Component::HttpService))
        .arg("--plug")
        .arg(artifacts().component(Component::NewerHealth))
        .arg("--output")
        .arg(folder.path().join("composed.wasm"))
        .output()
        .expect("the tool runs");
    assert!(!plugged.status.success());
    let said = String::from_utf8_lossy(&plugged.stderr);
    assert!(
        said.contains("still imports cache-health:capabilities/access"),
        "{said}"
    );
}
