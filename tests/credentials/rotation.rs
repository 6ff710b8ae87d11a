//! Keys that are rotated and revoked under a live connection, and samples that prove a new one.

use crate::fixtures::server::Server;
use crate::fixtures::{Azure, Check};
use cache_health_local_azure::certificates::{Authority, Leaf};
use cache_health_local_azure::proxy::{Action, Proxy};
use cache_health_local_azure::token;
use cache_health_report::{Kind, Status};
use std::time::{Duration, Instant};

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
    let server = serve(
        azure
            .check_key()
            .env("CACHE_HEALTH_NEW_CONNECTION_EVERY", "300ms"),
    );
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
    let server = serve(
        azure
            .check_entra()
            .env("CACHE_HEALTH_NEW_CONNECTION_EVERY", "300ms"),
    );
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
    let server = serve(
        azure
            .check_entra()
            .env("CACHE_HEALTH_NEW_CONNECTION_EVERY", "100ms"),
    );
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
            .env("CACHE_HEALTH_NEW_CONNECTION_EVERY", "300ms"),
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

#[test]
fn a_certificate_that_ended_shows_on_a_new_connection_to_a_server_that_keeps_running() {
    // A restart would make new session tickets and hide a client that resumes sessions.
    let azure = Azure::with_leaf(&Leaf {
        ends: time::Duration::seconds(6),
        ..Leaf::default()
    });
    let ended = Instant::now() + Duration::from_secs(7);
    let check = azure.check_key().env("CACHE_HEALTH_INTERVAL", "9m");
    let server = check.env("CACHE_HEALTH_TIMEOUT", "2s").serve();
    server.wait_for_status("/readyz", 200);
    let fresh = server.get("/healthz?new-connection=1").verdict();
    assert_eq!(fresh, (Status::Warn, vec![Kind::CertificateExpiring]));
    while Instant::now() < ended {
        let before = server.get("/healthz?new-connection=1").verdict().0;
        assert_eq!(before, Status::Warn);
    }
    let after = server.get("/healthz?new-connection=1");
    assert_eq!(after.verdict(), (Status::Warn, vec![Kind::TlsExpired]));
    // It was tried, and did not resume the session from before.
    assert!(
        after.body.contains("a new one cannot be used"),
        "{}",
        after.body
    );
    // Without a new connection it is said as well, and not that it will end.
    let kept = server.get("/healthz?fresh=1");
    assert_eq!(kept.verdict(), (Status::Warn, vec![Kind::TlsExpired]));
    assert!(kept.body.contains("has ended"), "{}", kept.body);
    assert!(!kept.body.contains("fourteen days"), "{}", kept.body);
}

/// Serves through a proxy with one second a check, and no samples but the first.
fn serve_through(azure: &Azure, proxy: &Proxy) -> Server {
    let server = azure
        .check_key()
        .env("REDIS_PORT", proxy.port().to_string())
        .env("CACHE_HEALTH_INTERVAL", "9m")
        .env("CACHE_HEALTH_TIMEOUT", "1s")
        .serve();
    server.wait_for_status("/readyz", 200);
    server
}

/// Logging in takes longer than a check: the connection is there when nobody waits for it any more.
fn make_one_for_nobody(server: &Server, proxy: &Proxy) {
    proxy.on_command(|command| match command.is("AUTH") {
        true => Action::Delay(Duration::from_millis(1500)),
        false => Action::Forward,
    });
    let slow = server.get("/healthz?new-connection=1").verdict();
    assert_eq!(slow, (Status::Warn, vec![Kind::Timeout]));
    let authenticated = proxy.authenticated();
    server.wait_for("the login", |_| {
        (proxy.authenticated() > authenticated).then_some(())
    });
}

#[test]
fn a_connection_that_was_made_for_nobody_is_a_proof_once() {
    let azure = Azure::start();
    let proxy = azure.proxy();
    let server = serve_through(&azure, &proxy);
    make_one_for_nobody(&server, &proxy);
    let claimed = server.get("/healthz?new-connection=1").verdict();
    assert_eq!(claimed, (Status::Pass, vec![]));
    let again = server.get("/healthz?new-connection=1").verdict();
    assert_eq!(again, (Status::Warn, vec![Kind::Timeout]));
}

#[test]
fn a_connection_that_was_made_for_nobody_and_died_makes_no_recovered_cache_red() {
    let azure = Azure::start();
    let mut proxy = azure.proxy();
    let server = serve_through(&azure, &proxy);
    make_one_for_nobody(&server, &proxy);
    // Every connection ends, and the cache is well again.
    proxy.refuse();
    proxy.heal().expect("it listens again");
    let recovered = server.get("/healthz?new-connection=1");
    assert_eq!(
        recovered.verdict(),
        (Status::Pass, vec![]),
        "{}",
        recovered.body
    );
}

#[test]
fn a_ca_file_that_is_replaced_is_used_without_a_restart() {
    let mut azure = Azure::start();
    let folder = tempfile::tempdir().expect("a folder");
    let ca_file = folder.path().join("ca.pem");
    std::fs::copy(azure.redis.ca_file(), &ca_file).expect("copied");
    let check = azure
        .check_key()
        .env("REDIS_CA_FILE", ca_file.display().to_string());
    let server = serve(check);
    let renewed = Authority::new("the next CA").expect("a CA");
    let chain = renewed.issue(&Leaf::default()).expect("a certificate");
    azure.redis.present(&chain).expect("CONFIG SET");
    let untrusted = server.get("/healthz?new-connection=1").verdict();
    assert_eq!(untrusted, (Status::Warn, vec![Kind::TlsUntrusted]));
    // In the middle of being replaced, what it held before stays in force.
    std::fs::write(&ca_file, "-----BEGIN").expect("written");
    let broken = server.get("/healthz?new-connection=1").verdict();
    assert_eq!(broken, (Status::Warn, vec![Kind::TlsUntrusted]));
    std::fs::write(&ca_file, renewed.pem()).expect("written");
    let trusted = server.get("/healthz?new-connection=1").verdict();
    assert_eq!(trusted, (Status::Pass, vec![]));
}

#[test]
fn a_key_file_that_hangs_costs_its_caller_time_and_nobody_else() {
    let azure = Azure::start();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("key");
    std::fs::write(&path, &azure.access_key).expect("written");
    let check = azure.check().env("REDIS_AUTH", "access-key");
    let check = check.env("REDIS_ACCESS_KEY_FILE", path.display().to_string());
    // Less than a read may take.
    let server = serve(check.env("CACHE_HEALTH_TIMEOUT", "2s"));
    std::fs::remove_file(&path).expect("removed");
    let fifo = std::process::Command::new("mkfifo").arg(&path).status();
    assert!(fifo.expect("mkfifo").success());
    for _ in 0..5 {
        let document = server.get("/healthz?fresh=1").document();
        let failure = document.failure.expect("one");
        assert_eq!(failure.kind, Kind::Config);
        let output = failure.output;
        assert!(
            output.starts_with("REDIS_ACCESS_KEY_FILE cannot be read"),
            "{output}"
        );
        let livez = server.get("/livez");
        assert!(livez.took < Duration::from_secs(1), "{:?}", livez.took);
    }
    // One thread waits for the file, however many checks there were: the program's, the log's, the epochs',
    // and those that tokio keeps for a while.
    let folder = format!("/proc/{}/task", server.process.id());
    let threads = std::fs::read_dir(folder).expect("Linux").count();
    assert!(threads <= 6, "{threads} threads");
}
