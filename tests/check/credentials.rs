//! Which credential is used, what is tried after it, and what is said of one that is refused.

use crate::fixtures::{Azure, HOUR};
use cache_health_local_azure::identity::{Behaviour, IdentityEndpoint};
use cache_health_local_azure::token::{self, Token};
use cache_health_report::{AuthMethod, Kind, Status, Step};
use std::net::TcpListener;
use std::time::Duration;

#[test]
fn an_access_key_passes_when_it_is_meant() {
    let azure = Azure::start();
    azure.check_key().run().passes().used("access-key", None);
}

#[test]
fn an_access_key_warns_when_no_identity_is_configured() {
    let azure = Azure::start();
    let check = azure.check().env("REDIS_ACCESS_KEY", &azure.access_key);
    check
        .run()
        .warns(Kind::Fallback)
        .used("access-key", Some("not-configured"));
}

#[test]
fn an_access_key_file_is_read_and_its_newline_ignored() {
    let azure = Azure::start();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("key");
    std::fs::write(&file, format!("{}\n", azure.access_key)).expect("written");
    let check = azure
        .check_key()
        .without("REDIS_ACCESS_KEY")
        .env("REDIS_ACCESS_KEY_FILE", file.display().to_string());
    check.run().passes().used("access-key", None);
}

#[test]
fn no_token_falls_back_to_the_key_and_warns() {
    let azure = Azure::start();
    for behaviour in [
        Behaviour::status(500),
        Behaviour::status(429),
        Behaviour::Hang,
        Behaviour::Close,
        Behaviour::Slow(azure.token.clone()),
        Behaviour::body("<html>hello</html>"),
    ] {
        azure.identity.behave(behaviour);
        let check = azure.check_both().env("CACHE_HEALTH_TIMEOUT", "1s");
        let verdict = check.run().warns(Kind::Fallback);
        let verdict = verdict.used("access-key", Some("token-unavailable"));
        assert!(verdict.took < Duration::from_secs(2), "{:?}", verdict.took);
    }
}

#[test]
fn an_identity_endpoint_that_refuses_connections_falls_back_to_the_key() {
    let azure = Azure::start();
    let closed = TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr()
        .expect("it");
    azure
        .check_both()
        .env("IDENTITY_ENDPOINT", format!("http://{closed}/msi/token"))
        .env("CACHE_HEALTH_TIMEOUT", "1s")
        .run()
        .warns(Kind::Fallback)
        .used("access-key", Some("token-unavailable"));
}

#[test]
fn a_token_that_cannot_be_used_falls_back_to_the_key() {
    let azure = Azure::start();
    let no_oid = token::jwt(&format!(r#"{{"exp":{}}}"#, token::now() + HOUR));
    let answer = |token: &str, end: i64| {
        Behaviour::body(format!(
            r#"{{"access_token":"{token}","expires_on":"{end}"}}"#
        ))
    };
    let expired = Token::mint(&azure.object_id, -1);
    for behaviour in [
        answer(&no_oid, token::now() + HOUR),
        answer("not.a-token", token::now() + HOUR),
        Behaviour::Token(expired),
        Behaviour::status(400),
        Behaviour::status(403),
    ] {
        azure.identity.behave(behaviour);
        let verdict = azure.check_both().run().warns(Kind::Fallback);
        verdict.used("access-key", Some("token-rejected"));
    }
}

#[test]
fn a_token_that_redis_refuses_falls_back_to_the_key() {
    let azure = Azure::start();
    let stranger = Token::mint(&token::object_id(), HOUR);
    azure.identity.behave(Behaviour::Token(stranger.clone()));
    let verdict = azure
        .check_both()
        .secret(&stranger.text)
        .run()
        .warns(Kind::Fallback);
    let verdict = verdict.used("access-key", Some("auth-rejected"));
    let auths = &verdict.document.checks[&Step::Auth];
    assert_eq!(auths.len(), 2);
    assert_eq!(
        (auths[0].status, auths[1].status),
        (Status::Fail, Status::Pass)
    );
}

#[test]
fn a_token_that_redis_refuses_fails_without_a_key() {
    let azure = Azure::start();
    let stranger = Token::mint(&token::object_id(), HOUR);
    azure.identity.behave(Behaviour::Token(stranger.clone()));
    let verdict = azure.check_entra().secret(&stranger.text).run();
    let failure = verdict
        .fails(Kind::AuthRejected, Step::Auth)
        .document
        .failure
        .expect("one");
    assert!(
        failure.output.contains(&stranger.object_id),
        "{}",
        failure.output
    );
}

#[test]
fn a_key_that_redis_refuses_fails() {
    let azure = Azure::start();
    let wrong = token::access_key();
    let check = azure
        .check_key()
        .env("REDIS_ACCESS_KEY", &wrong)
        .secret(&wrong);
    check
        .run()
        .fails(Kind::AuthRejected, Step::Auth)
        .used("access-key", None);
}

#[test]
fn the_secondary_key_is_tried_after_the_primary_and_warns() {
    let azure = Azure::start();
    let wrong = token::access_key();
    let verdict = azure
        .check_key()
        .env("REDIS_ACCESS_KEY", &wrong)
        .env("REDIS_ACCESS_KEY_SECONDARY", &azure.access_key)
        .secret(&wrong)
        .run()
        .warns(Kind::SecondaryKey)
        .used("access-key", Some("auth-rejected"));
    assert_eq!(verdict.document.auth.expect("one").label, "secondary");
}

#[test]
fn forced_entra_never_uses_the_key() {
    let azure = Azure::start();
    azure.identity.behave(Behaviour::status(500));
    let check = azure
        .check_both()
        .env("REDIS_AUTH", "entra")
        .env("CACHE_HEALTH_TIMEOUT", "1s");
    let verdict = check.run().fails(Kind::TokenUnavailable, Step::Token);
    assert!(verdict.document.auth.is_none());
    assert_eq!(azure.redis.calls("set").expect("stats"), 0);
}

#[test]
fn a_forced_key_never_asks_for_a_token() {
    let azure = Azure::start();
    azure
        .check_both()
        .env("REDIS_AUTH", "access-key")
        .run()
        .passes()
        .used("access-key", None);
    assert_eq!(azure.identity.requests(), 0);
}

#[test]
fn a_missing_identity_names_the_client_id_in_its_remedy() {
    let azure = Azure::start();
    azure.identity.behave(Behaviour::status(400));
    let verdict = azure
        .check_entra()
        .run()
        .fails(Kind::TokenRejected, Step::Token);
    let remedy = verdict.document.failure.expect("one").remedy;
    assert!(remedy.contains("AZURE_CLIENT_ID"), "{remedy}");
    assert!(
        remedy.contains("az containerapp identity assign"),
        "{remedy}"
    );
}

#[test]
fn the_identity_endpoint_is_asked_the_way_the_protocol_says() {
    // The stand-in refuses anything else with 400, 401, 404 or 405, and then nothing passes.
    let azure = Azure::start();
    azure
        .check_entra()
        .env("AZURE_CLIENT_ID", "11111111-2222")
        .run()
        .passes();
    assert_eq!(azure.identity.requests(), 1);
    let stranger = IdentityEndpoint::start(Behaviour::Token(azure.token.clone())).expect("one");
    let verdict = azure
        .check_entra()
        .env("IDENTITY_ENDPOINT", stranger.url())
        .run();
    let verdict = verdict.fails(Kind::TokenRejected, Step::Token);
    assert!(
        verdict
            .document
            .auth
            .is_none_or(|auth| auth.method != AuthMethod::Entra)
    );
}

#[test]
fn a_token_that_ended_before_it_was_handed_out_says_by_how_much_the_clocks_differ() {
    let azure = Azure::start();
    azure
        .identity
        .behave(Behaviour::Token(Token::mint(&azure.object_id, -600)));
    let verdict = azure.check_entra().run();
    let verdict = verdict.fails(Kind::TokenRejected, Step::Token);
    let failure = verdict.document.failure.expect("a failure");
    assert!(
        failure.output.contains("10 min before"),
        "{}",
        failure.output
    );
    assert!(
        failure.remedy.contains("clocks differ"),
        "{}",
        failure.remedy
    );
}
