//! A proxy on the way to Entra.

use super::application::Application;
use crate::fixtures::{Check, HOUR};
use cache_health_local_azure::connect_proxy::ConnectProxy;
use cache_health_local_azure::issuer::Proof;
use cache_health_report::{Kind, Step};

const SECRET: &str = "s8Q~sEcReT+/=of.the_app";
const PASSWORD: &str = "pr0xy-passw0rd";

fn application() -> Application {
    Application::start(Proof::Secret(SECRET.to_owned()), HOUR)
}

fn through(application: &Application, proxy: &str) -> Check {
    application
        .check()
        .env("AZURE_CLIENT_SECRET", SECRET)
        .env("HTTPS_PROXY", proxy)
        .env("CACHE_HEALTH_TIMEOUT", "2s")
        .secret(SECRET)
        .secret(PASSWORD)
}

#[test]
fn entra_is_reached_through_the_proxy_and_the_cache_is_not() {
    let application = application();
    let proxy = ConnectProxy::start("app", PASSWORD).expect("a proxy");
    let uri = format!("http://app:{PASSWORD}@{}", proxy.address());
    through(&application, &uri).run().passes();
    assert_eq!(proxy.tunnels(), 1);
    // A managed identity's endpoint is beside the app.
    let azure = &application.azure;
    azure.check_entra().env("HTTPS_PROXY", &uri).run().passes();
    assert_eq!(proxy.tunnels(), 1);
}

#[test]
fn a_host_of_no_proxy_is_reached_without_it() {
    let application = application();
    let nowhere = format!("http://app:{PASSWORD}@127.0.0.1:1");
    let check = through(&application, &nowhere).env("NO_PROXY", "example.org,localhost");
    check.run().passes();
}

#[test]
fn a_proxy_that_refuses_is_named_with_its_cure() {
    let application = application();
    let proxy = ConnectProxy::start("app", "another password").expect("a proxy");
    let uri = format!("http://app:{PASSWORD}@{}", proxy.address());
    let verdict = through(&application, &uri).run();
    let verdict = verdict
        .fails(Kind::TokenUnavailable, Step::Token)
        .saw("identity.problem", "proxy");
    let remedy = verdict.document.failure.expect("a failure").remedy;
    assert!(
        remedy.contains("HTTPS_PROXY") && remedy.contains("NO_PROXY"),
        "{remedy}"
    );
}
