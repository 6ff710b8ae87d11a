//! The application as its image starts it: without a shell, with the names that Container Apps injects.

use super::with_an_identity;
use crate::fixtures::spin::Launch;
use crate::fixtures::{Azure, artifacts, operator, workspace};
use cache_health_report::Status;

/// The arguments of the image's entry point that do not name a place.
fn arguments() -> Vec<String> {
    let dockerfile = std::fs::read_to_string(workspace().join("deploy/spin/Dockerfile"));
    let dockerfile = dockerfile.expect("a Dockerfile").replace("\\\n", "");
    let line = dockerfile
        .lines()
        .find_map(|line| line.strip_prefix("ENTRYPOINT "));
    let all: Vec<String> = serde_json::from_str(line.expect("an entry point")).expect("JSON");
    assert_eq!(all[..2], ["/usr/local/bin/spin", "up"]);
    let pairs = all[2..].chunks(2);
    let places = ["--from", "--runtime-config-file", "--listen"];
    let kept = pairs.filter(|pair| !places.contains(&pair[0].as_str()));
    kept.flatten().cloned().collect()
}

#[test]
#[ignore = "needs spin: cargo xtask test, with a spin on PATH"]
fn the_image_finds_container_apps_identity_without_a_shell() {
    let azure = Azure::start();
    let application = with_an_identity(&azure);
    let runtime = workspace().join("deploy/spin/container-apps.runtime.toml");
    let port = azure.redis.port().to_string();
    let (endpoint, arguments) = (azure.identity.url(), arguments());
    let spin = Launch::of("deploy/spin/container-apps.toml", &application)
        .built("dist/cache-health-spin-app.wasm", &artifacts().spin_app())
        .runtime_config(std::fs::read_to_string(runtime).expect("a runtime configuration"))
        .arguments(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
        .environment(&[
            ("SPIN_VARIABLE_REDIS_HOST", "localhost"),
            ("SPIN_VARIABLE_REDIS_PORT", &port),
            ("SPIN_VARIABLE_OPERATOR_TOKEN", operator::TOKEN),
            ("IDENTITY_ENDPOINT", &endpoint),
            ("IDENTITY_HEADER", &azure.identity.header),
        ])
        .up();
    let (status, document) = spin.fresh();
    assert_eq!(
        (status, document.status),
        (200, Status::Pass),
        "{document:#?}"
    );
    assert_eq!(document.auth.expect("one").label, "managed-identity");
}
