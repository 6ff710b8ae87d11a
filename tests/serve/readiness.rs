//! What takes a replica out of rotation, and what does not: `docs/readiness.md`.

use crate::fixtures::server::Server;
use crate::fixtures::spin_host::{Application, SpinHost, runtime};
use crate::fixtures::{Azure, Check};
use cache_health_local_azure::identity::{Behaviour, IdentityEndpoint};
use std::path::PathBuf;

const READINESS: &str = "CACHE_HEALTH_READINESS";
/// Each policy, and what `/readyz` says of a cache that is gone.
const GONE: [(&str, u16, &str); 3] = [
    ("cache", 503, "not ready: connect\n"),
    ("replica", 200, "ok\nverdict: fail, connect\n"),
    ("never", 200, "ok\nverdict: fail, connect\n"),
];

fn serve(check: Check, policy: &str) -> Server {
    let server = check
        .env(READINESS, policy)
        .env("CACHE_HEALTH_INTERVAL", "200ms")
        .env("CACHE_HEALTH_TIMEOUT", "1s")
        .serve();
    server.wait_for_status("/healthz", 200);
    server
}

#[test]
fn a_fleet_stays_ready_without_its_cache_unless_it_is_to_go_with_it() {
    for (policy, status, said) in GONE {
        let mut azure = Azure::start();
        let fleet = [
            serve(azure.check_entra(), policy),
            serve(azure.check_entra(), policy),
        ];
        azure.redis.kill().expect("killed");
        for server in &fleet {
            server.wait_for_status("/healthz", 503);
            server.wait_for(&format!("{said:?} with {policy}"), |server| {
                let readyz = server.get_as_anybody("/readyz");
                ((readyz.status, readyz.body.as_str()) == (status, said)).then_some(())
            });
        }
        azure.redis.restart(|_| {}).expect("started");
        for server in &fleet {
            server.wait_for_status("/readyz", 200);
            server.wait_for("a good verdict", |server| {
                (server.get("/readyz").body == "ok\n").then_some(())
            });
        }
    }
}

#[test]
fn an_identity_that_goes_takes_out_its_own_replica_and_no_other() {
    let azure = Azure::start();
    let issue = azure.issuer(3);
    let leaving = IdentityEndpoint::start(Behaviour::issue(move || issue())).expect("endpoint");
    let stays = serve(azure.check_entra(), "replica");
    let goes = serve(azure.check().identity(&leaving), "replica");
    for server in [&stays, &goes] {
        server.wait_for_status("/readyz", 200);
    }
    leaving.behave(Behaviour::status(400));
    goes.wait_for_status("/readyz", 503);
    assert_eq!(goes.get("/readyz").body, "not ready: token-rejected\n");
    let other = stays.get("/readyz");
    assert_eq!((other.status, other.body.as_str()), (200, "ok\n"));
}

#[test]
fn a_replica_that_nothing_takes_out_is_ready_before_its_first_verdict_and_not_while_it_drains() {
    let azure = Azure::start();
    azure.redis.hang().expect("SIGSTOP");
    let check = || azure.check_key().env("CACHE_HEALTH_TIMEOUT", "10s");
    let mut never = check().env(READINESS, "never").serve();
    let replica = check().env(READINESS, "replica").serve();
    assert_eq!(never.get("/readyz").body, "ok\nverdict: unknown\n");
    assert_eq!(replica.get("/readyz").body, "not ready: unknown\n");
    never.signal("TERM");
    never.wait_for("draining", |server| {
        (server.get("/readyz").body == "not ready: draining\n").then_some(())
    });
    azure.redis.resume().expect("SIGCONT");
    assert_eq!(never.wait(crate::fixtures::server::PATIENCE), 0);
}

#[test]
fn spin_follows_the_same_policies() {
    for (policy, status, said) in GONE {
        let mut azure = Azure::start();
        azure.redis.kill().expect("killed");
        let check = azure.check_key().env(READINESS, policy);
        let environment = check.environment();
        let ca_file = PathBuf::from(&environment["REDIS_CA_FILE"]);
        let application = Application::of(environment, ca_file);
        let (answered, body) = runtime().block_on(async {
            let mut instance = SpinHost::new(application);
            instance.get("/readyz").await
        });
        assert_eq!((answered, &body[..]), (status, said.as_bytes()), "{policy}");
    }
}

#[test]
fn a_policy_that_is_none_is_a_configuration_error() {
    let check = Check::of("localhost", 6380)
        .env("REDIS_ACCESS_KEY", "key")
        .env(READINESS, "always");
    let (output, _) = check.output(&["serve"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains(READINESS) && !said.contains("always"),
        "{said}"
    );
}
