//! `cache-health serve` on real parts, asked by a real HTTP client.

use crate::fixtures::server::Server;
use crate::fixtures::{Azure, Check};
use cache_health_report::{Kind, MEDIA_TYPE, Status, Step};
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// What a check may take where `Azure::serve` serves, and how far its samples are apart.
const DEADLINE: Duration = Duration::from_secs(1);
const INTERVAL: Duration = Duration::from_millis(200);

#[test]
fn every_route_answers_as_the_contract_says() {
    let azure = Azure::start();
    let server = azure.serve();

    let livez = server.get("/livez");
    assert_eq!((livez.status, livez.body.as_str()), (200, "ok\n"));

    let readyz = server.get("/readyz");
    assert_eq!((readyz.status, readyz.body.as_str()), (200, "ok\n"));
    let verbose = server.get("/readyz?verbose").body;
    for line in ["[+]redis:set ok", "[+]redis:get ok", "ok"] {
        assert!(verbose.lines().any(|l| l == line), "{line} in {verbose}");
    }

    for path in ["/healthz", "/healthz?fresh=1"] {
        let healthz = server.get(path);
        assert_eq!(healthz.status, 200);
        assert_eq!(healthz.headers["content-type"], MEDIA_TYPE);
        let document = healthz.document();
        assert_eq!(document.status, Status::Pass);
        assert_eq!(document.auth.expect("one").method.as_str(), "entra");
        assert_eq!(document.tls.expect("one").protocol, "TLSv1.3");
    }
}

#[test]
fn an_unknown_path_is_404_and_a_wrong_method_405_with_allow() {
    let azure = Azure::start();
    let server = azure.serve();
    for path in ["/index.html", "/healthz/", "/nothing"] {
        assert_eq!(server.get(path).status, 404, "{path}");
    }
    for path in ["/livez", "/readyz", "/healthz"] {
        let refused = server.post(path, "");
        assert_eq!(refused.status, 405, "{path}");
        assert_eq!(refused.headers["allow"], "GET, HEAD");
    }
}

#[test]
fn head_answers_like_get_without_the_body() {
    let azure = Azure::start();
    let server = azure.serve();
    for path in ["/livez", "/readyz", "/healthz", "/healthz?fresh=1"] {
        let head = server.head(path);
        assert_eq!((head.status, head.body.as_str()), (200, ""), "{path}");
        assert_ne!(head.headers["content-length"], "0", "{path}");
    }
}

#[test]
fn a_sample_carries_its_age() {
    let azure = Azure::start();
    let server = azure
        .check_entra()
        .env("CACHE_HEALTH_INTERVAL", "9m")
        .serve();
    server.wait_for_status("/readyz", 200);
    let age = server.wait_for("an age", |server| {
        Some(server.get("/healthz").document().age_seconds).filter(|age| *age > 0.05)
    });
    assert!(age < 60.0, "{age}");
}

#[test]
fn two_hundred_clients_at_once_cause_few_commands() {
    let azure = Azure::start();
    let server = azure
        .check_entra()
        .env("CACHE_HEALTH_INTERVAL", "9m")
        .serve();
    server.wait_for_status("/readyz", 200);
    let before = azure.redis.calls("set").expect("stats");
    // Redis is stopped while they arrive, so that all of them wait for one check.
    azure.redis.hang().expect("SIGSTOP");
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..200)
            .map(|_| scope.spawn(|| server.get("/healthz?fresh=1").status))
            .collect();
        server.wait_for_requests("/healthz", 200);
        azure.redis.resume().expect("SIGCONT");
        for client in clients {
            assert_eq!(client.join().expect("an answer"), 200);
        }
    });
    let caused = azure.redis.calls("set").expect("stats") - before;
    assert!((1..=50).contains(&caused), "{caused} SETs");
}

#[test]
fn the_connection_is_kept_between_checks() {
    let azure = Azure::start();
    let server = azure.serve();
    let before = azure.connections();
    for _ in 0..20 {
        let document = server.get("/healthz?fresh=1").document();
        let steps: Vec<Step> = document.checks.keys().copied().collect();
        assert_eq!(steps, [Step::Set, Step::Get]);
    }
    assert_eq!(azure.connections(), before);
}

#[test]
fn a_killed_connection_is_replaced_without_a_failure() {
    let azure = Azure::start();
    let server = azure.serve();
    for _ in 0..5 {
        azure
            .redis
            .command(&["CLIENT", "KILL", "USER", &azure.object_id])
            .expect("redis-cli");
        let document = server.get("/healthz?fresh=1").document();
        assert_eq!(document.status, Status::Pass, "{document:#?}");
    }
}

#[test]
fn a_hung_redis_is_red_by_the_deadline_while_livez_and_readyz_wait_for_nothing() {
    let azure = Azure::start();
    let server = azure.serve();
    azure.redis.hang().expect("SIGSTOP");
    let fresh = server.get("/healthz?fresh=1");
    assert_eq!(fresh.status, 503);
    assert!(fresh.took < DEADLINE * 2, "{:?}", fresh.took);
    let failure = fresh.document().failure.expect("one");
    assert_eq!(
        (failure.kind, failure.step),
        (Kind::Timeout, Some(Step::Set))
    );
    server.wait_for_status("/readyz", 503);
    for _ in 0..50 {
        let readyz = server.get("/readyz");
        assert_eq!(readyz.body, "not ready: timeout\n");
        // Sooner than any check that it could have waited for.
        assert!(readyz.took < DEADLINE, "{:?}", readyz.took);
        assert_eq!(server.get("/livez").status, 200);
    }
    azure.redis.resume().expect("SIGCONT");
    server.wait_for_status("/readyz", 200);
}

#[test]
fn a_redis_killed_and_started_again_has_the_right_verdict_within_two_intervals() {
    let mut azure = Azure::start();
    let server = azure.serve();
    azure.redis.kill().expect("killed");
    let failing = server.wait_for("a failure", |server| {
        Some(server.get("/healthz")).filter(|answer| answer.status == 503)
    });
    assert_eq!(failing.document().failure_kind(), Some(Kind::Connect));
    server.wait_for_status("/readyz", 503);
    azure.redis.restart(|_| {}).expect("started");
    let took = server.wait_for_status("/healthz", 200);
    // Two intervals, and the check itself.
    assert!(took < INTERVAL * 2 + DEADLINE, "{took:?}");
    server.wait_for_status("/readyz", 200);
}

#[test]
fn one_failing_sample_is_damped_on_readyz_only() {
    let azure = Azure::start();
    let server = azure
        .check_entra()
        .env("CACHE_HEALTH_INTERVAL", "1s")
        .env("CACHE_HEALTH_FAILURES", "3")
        .serve();
    server.wait_for_status("/readyz", 200);
    azure
        .redis
        .command(&["ACL", "SETUSER", &azure.object_id, "-set"])
        .expect("redis-cli");
    server.wait_for_status("/healthz", 503);
    assert_eq!(server.get("/readyz").status, 200);
    server.wait_for_status("/readyz", 503);
    let verbose = server.get("/readyz?verbose").body;
    assert!(
        verbose.contains("[-]redis:set failed: permission-denied\n"),
        "{verbose}"
    );
}

#[test]
fn not_ready_before_the_first_verdict() {
    let azure = Azure::start();
    azure.redis.hang().expect("SIGSTOP");
    let server = azure
        .check_entra()
        .env("CACHE_HEALTH_TIMEOUT", "10s")
        .serve();
    let readyz = server.get("/readyz");
    assert_eq!(
        (readyz.status, readyz.body.as_str()),
        (503, "not ready: unknown\n")
    );
    assert_eq!(server.get("/livez").status, 200);
    azure.redis.resume().expect("SIGCONT");
    server.wait_for_status("/readyz", 200);
}

#[test]
fn a_client_that_goes_away_in_mid_flight_strands_nobody() {
    let azure = Azure::start();
    let server = azure
        .check_entra()
        .env("CACHE_HEALTH_INTERVAL", "9m")
        .serve();
    server.wait_for_status("/readyz", 200);
    azure.redis.hang().expect("SIGSTOP");
    for _ in 0..10 {
        let mut stream = TcpStream::connect(&server.address).expect("connected");
        stream
            .write_all(b"GET /healthz?fresh=1 HTTP/1.1\r\nhost: x\r\n\r\n")
            .expect("written");
    }
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| server.get("/healthz?fresh=1"));
        server.wait_for_requests("/healthz", 11);
        azure.redis.resume().expect("SIGCONT");
        assert_eq!(waiting.join().expect("an answer").status, 200);
    });
    assert_eq!(server.get("/healthz?fresh=1").status, 200);
}

#[test]
fn sigterm_drains() {
    let azure = Azure::start();
    let mut server = azure.serve();
    server.signal("TERM");
    let started = Instant::now();
    let readyz = server.wait_for("readiness to end", |server| {
        Some(server.get("/readyz")).filter(|answer| answer.status == 503)
    });
    assert_eq!(readyz.body, "not ready: draining\n");
    assert_eq!(server.get("/healthz?fresh=1").status, 200);
    assert_eq!(server.wait(Duration::from_secs(10)), 0);
    assert!(
        started.elapsed() >= Duration::from_millis(1900),
        "{:?}",
        started.elapsed()
    );
}

#[test]
fn a_request_in_flight_is_answered_while_draining() {
    let azure = Azure::start();
    let mut server = azure
        .check_entra()
        .env("CACHE_HEALTH_INTERVAL", "9m")
        .env("CACHE_HEALTH_TIMEOUT", "4s")
        .serve();
    server.wait_for_status("/readyz", 200);
    azure.redis.hang().expect("SIGSTOP");
    let url = server.url("/healthz?fresh=1");
    let waiting = std::thread::spawn(move || {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .build()
            .into();
        agent.get(url).call().expect("an answer").status().as_u16()
    });
    server.wait_for("the request to arrive", |server| {
        let arrived = |line: &str| line.contains("\"request\"") && line.contains("\"/healthz\"");
        server.log().lines().any(arrived).then_some(())
    });
    server.signal("INT");
    assert_eq!(waiting.join().expect("joined"), 503);
    assert_eq!(server.wait(Duration::from_secs(10)), 0);
}

#[test]
fn a_taken_port_exits_with_two_and_names_it() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("it").to_string();
    let check = Check::of("localhost", 6380).env("REDIS_ACCESS_KEY", "key");
    let (output, _) = check.output(&["serve", "--listen", &address]);
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(
        text.contains("CACHE_HEALTH_LISTEN") && text.contains(&address),
        "{text}"
    );
}

#[test]
fn a_configuration_error_exits_with_two_before_listening() {
    let check = Check::of("localhost", 6380).env("CACHE_HEALTH_FAILURES", "none");
    let (output, _) = check.env("REDIS_ACCESS_KEY", "key").output(&["serve"]);
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(text.contains("CACHE_HEALTH_FAILURES"), "{text}");
}

#[test]
fn the_log_has_the_lines_of_set_and_get_once_and_on_change() {
    let azure = Azure::start();
    let server = azure
        .check_entra()
        .env("CACHE_HEALTH_INTERVAL", "100ms")
        .env("RUST_LOG", "info")
        .serve();
    server.wait_for_status("/readyz", 200);
    let lines = |server: &Server, text: &str| server.log().matches(text).count();
    server.wait_for_log("\"GET succeeded\"");
    assert_eq!(lines(&server, "\"SET succeeded\""), 1);
    assert_eq!(lines(&server, "\"GET succeeded\""), 1);
    azure
        .redis
        .command(&["ACL", "SETUSER", &azure.object_id, "-set"])
        .expect("redis-cli");
    server.wait_for_status("/healthz", 503);
    azure
        .redis
        .command(&["ACL", "SETUSER", &azure.object_id, "+set"])
        .expect("redis-cli");
    server.wait_for_status("/healthz", 200);
    server.wait_for("the line of the recovery", |server| {
        (lines(server, "\"GET succeeded\"") >= 2).then_some(())
    });
    assert_eq!(lines(&server, "\"SET failed\""), 1);
    // After a failing sample a new connection is proved as well, and its first success is a line.
    assert!((2..=3).contains(&lines(&server, "\"GET succeeded\"")));
}
