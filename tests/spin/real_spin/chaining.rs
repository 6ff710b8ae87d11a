//! Applications that ask cache-health beside them, over HTTP and without a network.

use super::with_a_key;
use crate::fixtures::document;
use crate::fixtures::spin::{Launch, Spin};
use crate::fixtures::{Azure, artifacts};
use cache_health_artifacts::Component;
use cache_health_report::Status;

fn beside(azure: &Azure, app: Component) -> Spin {
    Launch::of("examples/chaining-app/spin.toml", &with_a_key(azure))
        .built("../../dist/chaining-app.wasm", &artifacts().component(app))
        .built(
            "../../dist/cache-health-spin-app.wasm",
            &artifacts().spin_app(),
        )
        .up()
}

fn forbid_set(azure: &Azure) {
    let words = ["ACL", "SETUSER", "default", "-set"];
    azure.redis.command(&words).expect("redis-cli");
}

#[test]
#[ignore = "needs spin: cargo xtask test, with a spin on PATH"]
fn an_application_asks_cache_health_beside_it_without_a_network() {
    let azure = Azure::start();
    let spin = beside(&azure, Component::ChainingApp);
    let (status, body) = spin.get("/");
    assert_eq!(status, 200, "{body}");
    assert!(body.starts_with("Hello! $REDIS_HOST:"), "{body}");
    // Nobody outside reaches the other one: every path is the application's.
    assert!(spin.get("/healthz").1.starts_with("Hello! "));
}

#[test]
#[ignore = "needs spin: cargo xtask test, with a spin on PATH"]
fn it_gets_the_cure_of_a_failure() {
    let azure = Azure::start();
    forbid_set(&azure);
    let (status, body) = beside(&azure, Component::ChainingApp).get("/");
    assert_eq!(status, 503, "{body}");
    assert!(body.contains("What to do: "), "{body}");
}

#[test]
#[ignore = "needs spin: cargo xtask test, with a spin on PATH"]
fn an_application_of_wasi_0_2_asks_as_well() {
    let azure = Azure::start();
    let (status, body) = beside(&azure, Component::Older).get("/");
    assert_eq!(
        (status, document::read(&body).status),
        (200, Status::Pass),
        "{body}"
    );
    forbid_set(&azure);
    let (status, body) = beside(&azure, Component::Older).get("/");
    assert_eq!(
        (status, document::read(&body).status),
        (503, Status::Fail),
        "{body}"
    );
}
