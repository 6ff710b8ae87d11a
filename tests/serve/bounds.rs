//! What callers may cause: whoever reaches the port may be hostile, and is no load on the cache.

use crate::fixtures::Azure;
use crate::fixtures::server::Server;
use cache_health_local_azure::token;
use cache_health_report::{Kind, Status};
use std::time::{Duration, Instant};

/// How long a flood lasts.
const FLOOD: Duration = Duration::from_secs(3);
/// Connections at once, and then per second (`docs/reference/limits.md`).
const AT_ONCE: u64 = 4;
const PER_SECOND: u64 = 2;
/// Checks per second.
const CHECKS: u64 = 50;

/// The most that may happen in this time, the sampler's own reserve included.
fn at_most(at_once: u64, per_second: u64, took: Duration) -> u64 {
    at_once + 2 + per_second * (took.as_secs() + 1)
}

/// Many clients ask for this, each as often as it can; what was asked, and how long it took. `look` is called
/// between.
fn flood(server: &Server, clients: u32, path: &str, mut look: impl FnMut()) -> (u64, Duration) {
    let started = Instant::now();
    let asked = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..clients)
            .map(|_| {
                scope.spawn(|| {
                    let mut asked = 0;
                    while started.elapsed() < FLOOD {
                        server.get(path);
                        asked += 1;
                    }
                    asked
                })
            })
            .collect();
        while !clients.iter().all(|client| client.is_finished()) {
            look();
        }
        let asked = clients
            .into_iter()
            .map(|client| client.join().expect("no panic"));
        asked.sum()
    });
    (asked, started.elapsed())
}

#[test]
fn a_flood_makes_few_new_connections_and_does_not_starve_the_sampler() {
    let azure = Azure::start();
    let interval = Duration::from_secs(1);
    let server = azure
        .check_key()
        .bounded()
        .env("CACHE_HEALTH_INTERVAL", "1s")
        .env("CACHE_HEALTH_NEW_CONNECTION_EVERY", "1s")
        .env("RUST_LOG", "info")
        .serve();
    server.wait_for_status("/readyz", 200);
    let before = azure.connections();
    let (asked, took) = flood(&server, 64, "/healthz?new-connection=1", || {
        let healthz = server.get("/healthz").document();
        // With what the check itself takes on a busy machine.
        let most = (interval * 2).as_secs_f64();
        assert!(healthz.age_seconds < most, "{}", healthz.age_seconds);
        assert_eq!(healthz.status, Status::Pass, "{healthz:#?}");
    });
    let made = azure.connections() - before;
    let most = at_most(AT_ONCE, PER_SECOND, took);
    assert!(
        asked > 64 && made <= most,
        "{made} connections for {asked} requests"
    );
    assert!(made >= 3, "{made} connections for {asked} requests");
}

#[test]
fn a_wrong_key_and_many_callers_are_no_storm_of_logins() {
    let azure = Azure::start();
    let server = azure
        .check_key()
        .bounded()
        .env("REDIS_ACCESS_KEY", token::access_key())
        .env("CACHE_HEALTH_INTERVAL", "9m")
        .env("RUST_LOG", "info")
        .serve();
    server.wait_for("the first sample", |server| {
        (server.get("/readyz").body != "not ready: unknown\n").then_some(())
    });
    let before = azure.connections();
    let (asked, took) = flood(&server, 4, "/healthz?fresh=1", || {});
    let made = azure.connections() - before;
    let most = at_most(AT_ONCE, PER_SECOND, took);
    assert!(
        asked > 4 && made <= most,
        "{made} logins for {asked} requests"
    );
    let verdict = server.get("/healthz?fresh=1").verdict();
    assert_eq!(verdict, (Status::Fail, vec![Kind::AuthRejected]));
}

#[test]
fn checks_are_limited_and_what_is_shared_is_a_callers_own_and_young() {
    let azure = Azure::start();
    let server = azure
        .check_key()
        .bounded()
        .env("CACHE_HEALTH_INTERVAL", "9m")
        .env("RUST_LOG", "info")
        .serve();
    server.wait_for_status("/readyz", 200);
    let before = azure.redis.calls("set").expect("stats");
    let mut oldest: f64 = 0.0;
    let (asked, took) = flood(&server, 8, "/healthz?fresh=1", || {
        let fresh = server.get("/healthz?fresh=1").document();
        assert_eq!(fresh.status, Status::Pass);
        oldest = oldest.max(fresh.age_seconds);
    });
    let made = azure.redis.calls("set").expect("stats") - before;
    assert!(
        made <= at_most(CHECKS, CHECKS, took),
        "{made} checks for {asked} requests"
    );
    assert!(
        made >= CHECKS && asked > made,
        "{made} checks for {asked} requests"
    );
    assert!(oldest <= 1.0, "{oldest}");
    // Somebody's result was shared, and it says how old it is.
    assert!(oldest > 0.0);
}

#[test]
fn the_bounds_can_be_raised() {
    let azure = Azure::start();
    let server = azure.check_key().env("CACHE_HEALTH_INTERVAL", "9m").serve();
    server.wait_for_status("/readyz", 200);
    let before = azure.connections();
    for _ in 0..30 {
        server.get("/healthz?new-connection=1");
    }
    assert!(azure.connections() - before >= 30);
}
