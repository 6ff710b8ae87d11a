//! A service principal with a client secret, as pipelines have one.

use super::application::Application;
use crate::fixtures::{Check, HOUR};
use cache_health_local_azure::issuer::Proof;
use cache_health_local_azure::token;
use cache_health_report::{Kind, Status, Step};
use std::time::{Duration, Instant};

const SECRET: &str = "s8Q~sEcReT+/=of.the_app";

fn application() -> Application {
    Application::start(Proof::Secret(SECRET.to_owned()), HOUR)
}

fn with_secret(application: &Application) -> Check {
    let check = application.check().env("AZURE_CLIENT_SECRET", SECRET);
    check.secret(SECRET)
}

#[test]
fn a_client_secret_passes_and_says_whose_it_is() {
    let application = application();
    let verdict = with_secret(&application).run().passes().used("entra", None);
    let auth = verdict.document.auth.expect("a credential");
    assert_eq!(auth.label, "service-principal");
    assert_eq!(auth.principal, Some(application.azure.object_id.clone()));
}

#[test]
fn a_client_secret_can_be_in_a_file_and_is_read_again() {
    let application = application();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("secret");
    let check = || {
        let check = application.check().secret(SECRET);
        check.env("AZURE_CLIENT_SECRET_FILE", file.display().to_string())
    };
    std::fs::write(&file, "an older one").expect("written");
    check().run().fails(Kind::TokenRejected, Step::Token);
    std::fs::write(&file, format!("{SECRET}\n")).expect("written");
    check().run().passes();
}

#[test]
fn a_secret_that_entra_refuses_is_named_with_its_cure() {
    let application = application();
    let wrong = application.check().env("AZURE_CLIENT_SECRET", "another");
    let verdict = wrong.secret("another").run();
    let verdict = verdict.fails(Kind::TokenRejected, Step::Token);
    let failure = verdict
        .saw("identity.code", "AADSTS7000215")
        .document
        .failure
        .expect("a failure");
    assert!(
        failure.remedy.contains("AZURE_CLIENT_SECRET"),
        "{failure:?}"
    );
}

#[test]
fn a_token_that_redis_refuses_is_followed_by_no_other_identity() {
    let application = application();
    let azure = &application.azure;
    // Redis knows the object id no more; the managed identity's token it does know.
    let stranger = token::object_id();
    let managed = cache_health_local_azure::token::Token::mint(&stranger, HOUR);
    let words = [
        "ACL",
        "SETUSER",
        &stranger,
        "on",
        &format!(">{}", managed.text),
        "~*",
        "+@all",
    ];
    azure.redis.command(&words).expect("redis-cli");
    azure
        .redis
        .command(&["ACL", "DELUSER", &azure.object_id])
        .expect("redis-cli");
    azure
        .identity
        .behave(cache_health_local_azure::identity::Behaviour::Token(
            managed,
        ));
    let refused = with_secret(&application).identity(&azure.identity);
    refused.run().fails(Kind::AuthRejected, Step::Auth);
}

#[test]
fn it_recovers_when_entra_does_and_renews_its_token_in_time() {
    const LIFE: i64 = 10;
    let application = Application::start(Proof::Secret(SECRET.to_owned()), LIFE);
    let server = with_secret(&application)
        .env("CACHE_HEALTH_INTERVAL", "200ms")
        .serve();
    server.wait_for_status("/readyz", 200);
    let until = Instant::now() + Duration::from_secs(LIFE.unsigned_abs() + 2);
    while Instant::now() < until {
        let answer = server.get("/healthz?fresh=1");
        assert_eq!(answer.verdict(), (Status::Pass, vec![]), "{}", answer.body);
        std::thread::sleep(Duration::from_millis(100));
    }
}
