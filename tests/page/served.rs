//! What is served at `/`.

use crate::fixtures::Azure;
use crate::fixtures::server::Server;

pub fn serve(azure: &Azure) -> Server {
    let server = azure
        .check_entra()
        .env("CACHE_HEALTH_INTERVAL", "200ms")
        .env("CACHE_HEALTH_TIMEOUT", "1s")
        .env("CONTAINER_APP_REPLICA_NAME", "shop--7f-replica")
        .env("CONTAINER_APP_REVISION", "shop--7f")
        .serve();
    server.wait_for("a sample", |server| {
        (server.get("/readyz").body != "not ready: unknown\n").then_some(())
    });
    server
}

#[test]
fn anybody_sees_the_verdict_and_the_operator_the_values_as_well() {
    let azure = Azure::start();
    let server = serve(&azure);
    let (anybody, operator) = (server.get_as_anybody("/"), server.get("/"));
    for page in [&anybody, &operator] {
        assert_eq!(page.status, 200);
        assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
        assert!(
            page.body.contains("Can this app use its cache?"),
            "{}",
            page.body
        );
    }
    for value in [
        azure.object_id.as_str(),
        "localhost",
        "CN=",
        "127.0.0.1",
        "shop--7f",
    ] {
        assert!(!anybody.body.contains(value), "{value} in {}", anybody.body);
    }
    for value in [azure.object_id.as_str(), "localhost:", "shop--7f-replica"] {
        assert!(
            operator.body.contains(value),
            "{value} in {}",
            operator.body
        );
    }
    let asked = server.get_as_anybody("/?details=1");
    assert_eq!(asked.status, 401);
    assert_eq!(
        asked.headers["www-authenticate"],
        "Basic realm=\"cache-health\""
    );
    assert_eq!(server.get("/?details=1").status, 200);
}

#[test]
fn the_page_may_do_nothing_but_what_its_policy_says() {
    let azure = Azure::start();
    let server = serve(&azure);
    let headers = server.get_as_anybody("/").headers;
    let policy = headers["content-security-policy"].to_str().expect("text");
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
    assert!(
        !policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"),
        "{policy}"
    );
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
        ("vary", "authorization"),
    ] {
        assert_eq!(headers[name], value);
    }
}

#[test]
fn whoever_has_the_page_is_not_sent_it_again_until_there_is_news() {
    let azure = Azure::start();
    let server = azure.check_key().env("CACHE_HEALTH_INTERVAL", "9m").serve();
    server.wait_for_status("/readyz", 200);
    let page = server.get_as_anybody("/");
    let etag = page.headers["etag"].to_str().expect("text").to_owned();
    let again = server.get_with("/", "if-none-match", &etag);
    assert_eq!((again.status, again.body.as_str()), (304, ""));
    let other = server.get_with("/", "if-none-match", "\"another\"");
    assert_eq!(other.status, 200);
    // The operator's page is another one.
    assert_ne!(server.get("/").headers["etag"], etag.as_str());
}

#[test]
fn with_a_component_the_page_is_on_the_operators_port() {
    let azure = Azure::start();
    let server = azure
        .check_key()
        .env("CACHE_HEALTH_ADMIN_LISTEN", "127.0.0.1:0")
        .serve_hostile();
    assert_eq!(server.get("/").status, 204, "the component's");
    let page = server.get_at(&server.admin_address(), "/");
    assert!(page.body.contains("Can this app use its cache?"));
}
