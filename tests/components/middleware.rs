//! The middleware before an application, composed by wac and run by `serve --component`.

use crate::fixtures::{Azure, artifacts, plugged};
use cache_health_artifacts::Component;

#[test]
fn an_application_behind_the_middleware_runs_on_the_standalone_host() {
    let folder = tempfile::tempdir().expect("a folder");
    let app = artifacts().component(Component::HelloApp);
    let composed = plugged(folder.path(), &artifacts().middleware(), &app);
    let azure = Azure::start();
    let server = azure
        .check_key()
        .env("RUST_LOG", "info")
        .serve_with(&["--component", &composed.display().to_string()]);
    server.wait_for_status("/readyz", 200);
    assert_eq!(server.get("/any").body, "Hello!\n");
    // The routes of the probe are the host's own there, which answers for the same cache.
    assert_eq!(server.get("/healthz").status, 200);
}

#[test]
fn an_application_by_itself_needs_nothing_of_ours() {
    let app = artifacts().component(Component::HelloApp);
    let azure = Azure::start();
    let server = azure
        .check_key()
        .env("RUST_LOG", "info")
        .serve_with(&["--component", &app.display().to_string()]);
    assert_eq!(server.get("/any").body, "Hello!\n");
}
