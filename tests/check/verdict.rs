//! `cache-health check` on real parts: redis-server over TLS, the identity protocol, the component
//! on wasmtime. Every run is made with logs at trace, and none may show a secret.

use crate::fixtures::{Azure, Check};
use cache_health_local_azure::identity::Behaviour;
use cache_health_local_azure::proxy::Welcome;
use cache_health_report::{Kind, Step};
use std::net::TcpListener;
use std::time::Duration;

const ALL_STEPS: [Step; 7] = [
    Step::Dns,
    Step::Tcp,
    Step::Tls,
    Step::Token,
    Step::Auth,
    Step::Set,
    Step::Get,
];

#[test]
fn entra_passes_with_every_step_and_the_evidence_of_tls() {
    let azure = Azure::start();
    let verdict = azure
        .check_entra()
        .run()
        .passes()
        .used("entra", None)
        .took_steps(&ALL_STEPS);
    let auth = verdict.document.auth.expect("a credential");
    assert_eq!(auth.principal.as_deref(), Some(azure.object_id.as_str()));
    assert_eq!(auth.label, "managed-identity");
    let tls = verdict.document.tls.expect("evidence");
    assert_eq!(tls.protocol, "TLSv1.3");
    assert!(tls.cipher.starts_with("TLS13_"), "{}", tls.cipher);
    let names = tls.names.expect("names");
    assert!(names.contains(&"localhost".to_owned()), "{names:?}");
    let issuer = tls.issuer.expect("an issuer");
    assert!(issuer.contains("test CA"), "{issuer}");
    assert!(tls.verified);
    assert_eq!(
        azure.redis.command(&["GET", "health"]).expect("redis-cli"),
        "ok"
    );
    let ttl: i64 = azure
        .redis
        .command(&["TTL", "health"])
        .expect("redis-cli")
        .parse()
        .expect("n");
    assert!((1..=60).contains(&ttl), "{ttl}");
}

#[test]
fn the_log_says_set_and_get_with_key_method_principal_and_port() {
    let azure = Azure::start();
    let verdict = azure.check_entra().env("RUST_LOG", "info").run().passes();
    for command in ["SET", "GET"] {
        let line = verdict
            .stderr
            .lines()
            .find(|line| line.contains(&format!("\"{command} succeeded\"")))
            .unwrap_or_else(|| panic!("no {command} in:\n{}", verdict.stderr));
        let port = format!("\"port\":{}", azure.redis.port());
        for part in [
            "\"key\":\"health\"",
            "\"method\":\"entra\"",
            "\"tls\":\"TLSv1.3\"",
            &azure.object_id,
            &port,
        ] {
            assert!(line.contains(part), "{part} in {line}");
        }
    }
}

#[test]
fn a_policy_that_lacks_a_command_fails_without_a_fallback() {
    let azure = Azure::start();
    let user = azure.object_id.as_str();
    for (rule, step) in [("-set", Step::Set), ("-get", Step::Get)] {
        azure
            .redis
            .command(&["ACL", "SETUSER", user, "+@all", rule])
            .expect("redis-cli");
        let verdict = azure.check_both().run().fails(Kind::PermissionDenied, step);
        let failure = verdict.used("entra", None).document.failure.expect("one");
        assert!(
            failure.remedy.contains("Data Contributor"),
            "{}",
            failure.remedy
        );
    }
}

#[test]
fn a_refused_port_fails_to_connect() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("it").port();
    drop(listener);
    let check = Check::of("127.0.0.1", port).env("REDIS_ACCESS_KEY", "key");
    check
        .run()
        .fails(Kind::Connect, Step::Tcp)
        .took_steps(&[Step::Dns, Step::Tcp]);
}

#[test]
fn a_host_that_does_not_resolve_fails_at_dns() {
    let check = Check::of("no-such-cache.invalid", 6380).env("REDIS_ACCESS_KEY", "key");
    check
        .run()
        .fails(Kind::Dns, Step::Dns)
        .took_steps(&[Step::Dns]);
}

#[test]
fn a_hung_redis_is_answered_at_the_deadline() {
    let azure = Azure::start();
    azure.redis.hang().expect("SIGSTOP");
    let verdict = azure.check_entra().env("CACHE_HEALTH_TIMEOUT", "1s").run();
    let verdict = verdict.fails(Kind::Timeout, Step::Tls);
    let took = verdict.took;
    assert!(
        (Duration::from_millis(900)..Duration::from_secs(2)).contains(&took),
        "{took:?}"
    );
}

#[test]
fn an_identity_endpoint_that_takes_longer_than_one_request_gives_its_token_all_the_same() {
    let azure = Azure::start();
    let late = Behaviour::Late(Duration::from_secs(6), azure.token.clone());
    azure.identity.behave(late);
    azure
        .check_entra()
        .env("CACHE_HEALTH_TIMEOUT", "15s")
        .run()
        .passes();
    // The twin: a deadline that ends before is kept.
    azure
        .check_entra()
        .env("CACHE_HEALTH_TIMEOUT", "1s")
        .run()
        .fails(Kind::TokenUnavailable, Step::Token);
}

#[test]
fn a_handshake_that_takes_longer_than_one_attempt_succeeds_all_the_same() {
    let azure = Azure::start();
    let proxy = azure.proxy();
    proxy.welcome(Welcome::Late(Duration::from_secs(6)));
    let check = || {
        azure
            .check_key()
            .env("REDIS_PORT", proxy.port().to_string())
    };
    check().env("CACHE_HEALTH_TIMEOUT", "15s").run().passes();
    let short = check().env("CACHE_HEALTH_TIMEOUT", "1s").run();
    short.fails(Kind::Timeout, Step::Tls);
}
