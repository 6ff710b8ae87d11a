//! The token's life in `serve`, on tokens that live seconds and a cache that ends connections with
//! their tokens, as Azure does.

use crate::fixtures::server::Server;
use crate::fixtures::{Azure, HOUR};
use cache_health_local_azure::identity::Behaviour;
use cache_health_local_azure::proxy::{Action, Proxy};
use cache_health_local_azure::resp::Command;
use cache_health_local_azure::token::{self, Token};
use cache_health_report::{Kind, Status};
use std::time::{Duration, Instant};

/// How long the tokens live, in seconds: long enough that the pause of five seconds between two
/// requests leaves room for one before the end.
const LIFE: i64 = 12;
/// How often somebody asks.
const ASK: Duration = Duration::from_millis(50);

/// `serve` behind a proxy, five samples a second.
fn serve(azure: &Azure, proxy: &Proxy) -> Server {
    let server = azure
        .check_entra()
        .env("REDIS_PORT", proxy.port().to_string())
        .env("CACHE_HEALTH_INTERVAL", "200ms")
        .env("CACHE_HEALTH_TIMEOUT", "2s")
        .env("RUST_LOG", "info")
        .serve();
    server.wait_for_status("/readyz", 200);
    server
}

#[test]
fn an_expired_token_is_renewed_without_dropping_the_connection() {
    let azure = Azure::start();
    azure.issue_tokens_of(LIFE);
    let proxy = azure.proxy();
    let server = serve(&azure, &proxy);
    let until = Instant::now() + Duration::from_secs(3 * LIFE as u64);
    while Instant::now() < until {
        let fresh = server.get("/healthz?fresh=1");
        assert_eq!(fresh.verdict(), (Status::Pass, vec![]), "{}", fresh.body);
        assert_eq!(server.get("/readyz").status, 200);
        std::thread::sleep(ASK);
    }
    assert_eq!(proxy.accepted(), 1, "one connection outlived its tokens");
    assert_eq!(proxy.expired(), 0);
    // Three lives, renewed at half of each: no storm.
    let requests = azure.identity.requests();
    assert!((4..=8).contains(&requests), "{requests} requests");
}

#[test]
fn a_connection_whose_token_ends_is_closed_and_a_token_that_ended_refused() {
    // The denied twin: what the proxy does to those who do not renew.
    let azure = Azure::start();
    azure.issue_tokens_of(3);
    let proxy = azure.proxy();
    let server = serve(&azure, &proxy);
    azure.identity.behave(Behaviour::status(500));
    server.wait_for("the end of the connection", |_| {
        (proxy.expired() == 1).then_some(())
    });
    server.wait_for("a failing verdict", |server| {
        let (status, kinds) = server.get("/healthz?fresh=1").verdict();
        (status == Status::Fail && kinds == [Kind::TokenUnavailable]).then_some(())
    });
}

#[test]
fn a_refused_re_authentication_replaces_the_connection() {
    let azure = Azure::start();
    azure.issue_tokens_of(LIFE);
    let proxy = azure.proxy();
    let server = serve(&azure, &proxy);
    // The live connection may not authenticate again; a new one may.
    let first = std::sync::atomic::AtomicBool::new(true);
    proxy.on_command(move |command: &Command| {
        let refused = command.is("AUTH") && first.swap(false, std::sync::atomic::Ordering::SeqCst);
        match refused {
            true => Action::Answer(b"-WRONGPASS invalid username-password pair\r\n".to_vec()),
            false => Action::Forward,
        }
    });
    server.wait_for("a new connection", |server| {
        let fresh = server.get("/healthz?fresh=1");
        assert_eq!(fresh.verdict().0, Status::Pass, "{}", fresh.body);
        (proxy.accepted() == 2).then_some(())
    });
    server.wait_for_log("could not be authenticated again");
}

#[test]
fn an_identity_outage_passes_warns_fails_and_passes_again_by_itself() {
    let azure = Azure::start();
    azure.issue_tokens_of(LIFE);
    let proxy = azure.proxy();
    let server = serve(&azure, &proxy);
    azure.identity.behave(Behaviour::status(503));
    let outage = Instant::now();
    let mut seen: Vec<Status> = Vec::new();
    server.wait_for("a failure", |server| {
        let (status, kinds) = server.get("/healthz?fresh=1").verdict();
        match status {
            Status::Pass => assert_eq!(kinds, []),
            Status::Warn => assert_eq!(kinds, [Kind::TokenExpiring]),
            Status::Fail => assert_eq!(kinds, [Kind::TokenUnavailable]),
        }
        if seen.last() != Some(&status) {
            seen.push(status);
        }
        (status == Status::Fail).then_some(())
    });
    assert_eq!(seen, [Status::Pass, Status::Warn, Status::Fail]);
    assert!(
        outage.elapsed() > Duration::from_secs(LIFE as u64 - 3),
        "the token was used to its end: {:?}",
        outage.elapsed()
    );
    azure.issue_tokens_of(LIFE);
    let recovery = server.wait_for_status("/readyz", 200);
    // An endpoint that fails is asked once in five seconds.
    assert!(recovery < Duration::from_secs(8), "{recovery:?}");
}

#[test]
fn however_many_ask_the_identity_endpoint_is_not_stormed() {
    let azure = Azure::start();
    azure.identity.behave(Behaviour::status(400));
    let server = azure
        .check_entra()
        .env("CACHE_HEALTH_INTERVAL", "100ms")
        .serve();
    let until = Instant::now() + Duration::from_secs(3);
    let mut asked = 0;
    while Instant::now() < until {
        let (status, kinds) = server.get("/healthz?fresh=1").verdict();
        assert_eq!((status, kinds), (Status::Fail, vec![Kind::TokenRejected]));
        asked += 1;
    }
    let requests = azure.identity.requests();
    assert!(asked > 20 && requests <= 5, "{requests} for {asked}");
}

#[test]
fn retry_after_is_obeyed() {
    let azure = Azure::start();
    let headers = vec![("retry-after", "30".to_owned())];
    azure
        .identity
        .behave(Behaviour::Raw(429, String::new(), headers));
    let server = azure
        .check_entra()
        .env("CACHE_HEALTH_INTERVAL", "100ms")
        .serve();
    let until = Instant::now() + Duration::from_secs(3);
    while Instant::now() < until {
        let (_, kinds) = server.get("/healthz?fresh=1").verdict();
        assert_eq!(kinds, [Kind::TokenUnavailable]);
    }
    assert_eq!(azure.identity.requests(), 1);
}

#[test]
fn a_slow_re_authentication_makes_checks_wait_and_not_fail() {
    let azure = Azure::start();
    azure.issue_tokens_of(LIFE);
    let proxy = azure.proxy();
    let server = serve(&azure, &proxy);
    // Longer than a command may take on a kept connection, and Redis answers in order.
    proxy.on_command(|command: &Command| match command.is("AUTH") {
        true => Action::Delay(Duration::from_millis(1200)),
        false => Action::Forward,
    });
    let until = Instant::now() + Duration::from_secs(LIFE as u64);
    while Instant::now() < until {
        let fresh = server.get("/healthz?fresh=1");
        assert_eq!(fresh.verdict(), (Status::Pass, vec![]), "{}", fresh.body);
        std::thread::sleep(ASK);
    }
    server.wait_for_log("was authenticated again");
    assert_eq!(proxy.accepted(), 1);
}

#[test]
fn a_refused_token_is_asked_for_again_and_not_used_to_its_end() {
    // An identity that was removed and made anew has another object id.
    let azure = Azure::start();
    let stranger = Token::mint(&token::object_id(), HOUR);
    azure.identity.behave(Behaviour::Token(stranger));
    let server = azure
        .check_entra()
        .env("CACHE_HEALTH_INTERVAL", "200ms")
        .serve();
    let rejected = || {
        let (status, kinds) = server.get("/healthz?fresh=1").verdict();
        (status == Status::Fail).then_some(kinds)
    };
    assert_eq!(rejected(), Some(vec![Kind::AuthRejected]));
    azure.identity.behave(Behaviour::Token(azure.token.clone()));
    server.wait_for("a pass", |_| rejected().is_none().then_some(()));
    // Not before five seconds had passed since the last request, and not with each check.
    assert!(
        azure.identity.requests() <= 3,
        "{}",
        azure.identity.requests()
    );
}
