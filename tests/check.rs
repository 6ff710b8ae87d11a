//! `cache-health check` on real parts: redis-server over TLS, the identity protocol, the component
//! on wasmtime. Every run is made with logs at trace, and none may show a secret.

mod support;

use cache_health_local_azure::identity::{Behaviour, IdentityEndpoint};
use cache_health_local_azure::proxy::Welcome;
use cache_health_local_azure::token::{self, Token};
use cache_health_report::{AuthMethod, Kind, Status, Step};
use std::net::TcpListener;
use std::time::Duration;
use support::{Azure, Check, HOUR};

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

#[test]
fn the_memory_of_the_process_is_nobody_elses() {
    // What belongs to a process that is not dumpable belongs to root in /proc, whoever runs it.
    use std::os::unix::fs::MetadataExt as _;
    const NOBODY: &str = "65534";
    let azure = Azure::start();
    let port = cache_health_local_azure::port::any_free().expect("a port");
    let check = azure.check_key().without("REDIS_CA_FILE");
    let program = check.program();
    let mut child = std::process::Command::new("setpriv")
        .args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "--"])
        .arg(program.get_program())
        .args(["serve", "--listen", &format!("127.0.0.1:{port}")])
        .env_clear()
        .envs(check.environment())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("setpriv, of util-linux");
    let until = std::time::Instant::now() + support::server::PATIENCE;
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(std::time::Instant::now() < until, "it does not serve");
        std::thread::sleep(Duration::from_millis(10));
    }
    let owner = std::fs::metadata(format!("/proc/{}/maps", child.id())).map(|m| m.uid());
    let _ = child.kill();
    let _ = child.wait();
    assert_eq!(owner.expect("a process"), 0);
}
