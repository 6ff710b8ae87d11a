//! Keys that are rotated and revoked under a live connection, and samples that prove a new one.

mod support;

use cache_health_report::{Kind, Status};
use cache_health_standin::certificates::{Authority, Leaf};
use cache_health_standin::proxy::Action;
use cache_health_standin::token;
use support::server::Server;
use support::{Azure, Check};

fn serve(check: Check) -> Server {
    let server = check
        .env("CACHE_HEALTH_INTERVAL", "200ms")
        .env("CACHE_HEALTH_TIMEOUT", "1s")
        .serve();
    server.wait_for_status("/readyz", 200);
    server
}

/// Takes a key away, as regenerating it does. What is open stays open.
fn revoke(azure: &Azure, key: &str) {
    let rule = format!("<{key}");
    let words = ["ACL", "SETUSER", "default", &rule];
    azure.redis.command(&words).expect("redis-cli");
}

fn add(azure: &Azure, key: &str) {
    let rule = format!(">{key}");
    let words = ["ACL", "SETUSER", "default", &rule];
    azure.redis.command(&words).expect("redis-cli");
}

#[test]
fn a_key_revoked_under_a_live_connection_warns_with_the_next_cold_sample() {
    let azure = Azure::start();
    let server = serve(azure.check_key().env("CACHE_HEALTH_COLD_EVERY", "300ms"));
    revoke(&azure, &azure.access_key);
    server.wait_for("a warning", |server| {
        let (status, kinds) = server.get("/healthz").verdict();
        (status == Status::Warn && kinds == [Kind::AuthRejected]).then_some(())
    });
    // Nothing is broken yet, and the warning stays until a new connection works again.
    assert_eq!(server.get("/readyz").status, 200);
    let remedy = server.get("/healthz").document().warnings[0].remedy.clone();
    assert!(remedy.contains("key was rotated"), "{remedy}");
    add(&azure, &azure.access_key);
    server.wait_for("a pass", |server| {
        (server.get("/healthz").verdict().0 == Status::Pass).then_some(())
    });
}

#[test]
fn without_a_cold_sample_a_revoked_key_shows_only_on_a_new_connection() {
    // The twin: the kept connection goes on working, and a new one is refused.
    let azure = Azure::start();
    let server = serve(azure.check_key());
    revoke(&azure, &azure.access_key);
    assert_eq!(
        server.get("/healthz?fresh=1").verdict(),
        (Status::Pass, vec![])
    );
    assert_eq!(
        server.get("/healthz?new-connection=1").verdict(),
        (Status::Warn, vec![Kind::AuthRejected])
    );
    azure
        .redis
        .command(&["CLIENT", "KILL", "USER", "default"])
        .expect("redis-cli");
    assert_eq!(
        server.get("/healthz?fresh=1").verdict(),
        (Status::Fail, vec![Kind::AuthRejected])
    );
}

#[test]
fn a_key_revoked_under_a_live_connection_gives_way_to_the_secondary() {
    let azure = Azure::start();
    let secondary = token::access_key();
    add(&azure, &secondary);
    let server = serve(
        azure
            .check_key()
            .env("REDIS_ACCESS_KEY_SECONDARY", &secondary)
            .secret(&secondary),
    );
    revoke(&azure, &azure.access_key);
    azure
        .redis
        .command(&["CLIENT", "KILL", "USER", "default"])
        .expect("redis-cli");
    let answer = server.get("/healthz?fresh=1");
    // REDIS_AUTH=access-key: any of the two keys is meant, but the secondary is worth a word.
    assert_eq!(answer.verdict(), (Status::Warn, vec![Kind::SecondaryKey]));
}

#[test]
fn a_key_file_that_is_replaced_is_used_without_a_restart() {
    let azure = Azure::start();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("key");
    std::fs::write(&file, format!("{}\n", azure.access_key)).expect("written");
    let check = azure.check_key().without("REDIS_ACCESS_KEY");
    let server = serve(check.env("REDIS_ACCESS_KEY_FILE", file.display().to_string()));

    let rotated = token::access_key();
    add(&azure, &rotated);
    std::fs::write(&file, format!("{rotated}\r\n")).expect("written");
    revoke(&azure, &azure.access_key);
    azure
        .redis
        .command(&["CLIENT", "KILL", "USER", "default"])
        .expect("redis-cli");
    let answer = server.get("/healthz?fresh=1");
    assert_eq!(answer.verdict(), (Status::Pass, vec![]), "{}", answer.body);
}

#[test]
fn a_key_file_that_is_gone_fails_and_names_its_variable() {
    let azure = Azure::start();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("key");
    std::fs::write(&file, &azure.access_key).expect("written");
    let check = azure.check_key().without("REDIS_ACCESS_KEY");
    let server = serve(check.env("REDIS_ACCESS_KEY_FILE", file.display().to_string()));
    std::fs::remove_file(&file).expect("removed");
    let document = server.get("/healthz?fresh=1").document();
    let failure = document.failure.expect("a failure");
    assert_eq!(failure.kind, Kind::Config);
    assert!(
        failure
            .output
            .starts_with("REDIS_ACCESS_KEY_FILE cannot be read"),
        "{}",
        failure.output
    );
}

#[test]
fn a_certificate_that_went_bad_shows_with_the_next_cold_sample() {
    let mut azure = Azure::start();
    let server = serve(azure.check_entra().env("CACHE_HEALTH_COLD_EVERY", "300ms"));
    // A certificate of somebody else's, on the same server, for new connections only.
    let foreign = Authority::new("somebody else's CA").expect("a CA");
    let chain = foreign.issue(&Leaf::default()).expect("a certificate");
    azure.redis.present(&chain).expect("CONFIG SET");
    server.wait_for("a warning", |server| {
        let (status, kinds) = server.get("/healthz").verdict();
        (status == Status::Warn && kinds == [Kind::TlsUntrusted]).then_some(())
    });
    assert_eq!(server.get("/readyz").status, 200);
}

#[test]
fn cold_samples_replace_the_connection_and_leak_none() {
    let azure = Azure::start();
    let server = serve(azure.check_entra().env("CACHE_HEALTH_COLD_EVERY", "100ms"));
    let before = azure.redis.calls("auth").expect("stats");
    server.wait_for("ten new connections", |_| {
        (azure.redis.calls("auth").expect("stats") >= before + 10).then_some(())
    });
    // The one that is kept, and one that is just being replaced; redis-cli has its own.
    let clients = azure.redis.command(&["CLIENT", "LIST"]).expect("redis-cli");
    let ours = clients.matches(&azure.object_id).count();
    assert!((1..=2).contains(&ours), "{clients}");
    assert_eq!(server.get("/healthz").verdict(), (Status::Pass, vec![]));
}

#[test]
fn a_new_connection_that_cannot_be_used_does_not_take_the_place_of_one_that_can() {
    let azure = Azure::start();
    let proxy = azure.proxy();
    let port = proxy.port().to_string();
    let server = serve(
        azure
            .check_entra()
            .env("REDIS_PORT", port)
            .env("CACHE_HEALTH_COLD_EVERY", "300ms"),
    );
    let before = proxy.accepted();
    proxy.on_command(move |command| {
        let refused = command.connection > before && command.is("SET");
        match refused {
            true => Action::Answer(
                b"-READONLY You can't write against a read only replica.\r\n".to_vec(),
            ),
            false => Action::Forward,
        }
    });
    server.wait_for("a warning", |server| {
        let (status, kinds) = server.get("/healthz").verdict();
        (status == Status::Warn && kinds == [Kind::ReadOnly]).then_some(())
    });
    for _ in 0..5 {
        let fresh = server.get("/healthz?fresh=1");
        assert_eq!(fresh.verdict(), (Status::Pass, vec![]), "{}", fresh.body);
    }
}
