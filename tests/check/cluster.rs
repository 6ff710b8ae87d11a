//! A real cluster of two redis-servers over TLS whose certificates are for the host name only, as
//! with Azure Managed Redis and its OSS clustering policy: nodes are named by address and port.

use crate::fixtures::Check;
use crate::fixtures::server::Server;
use cache_health_local_azure::certificates::{Authority, Chain, Leaf};
use cache_health_local_azure::redis::{RedisOptions, RedisServer};
use cache_health_local_azure::token;
use cache_health_report::{Kind, Status, Step};
use std::time::{Duration, Instant};

/// The slot of the key `health`.
const SLOT: &str = "142";
/// How long a cluster may take to form.
const FORMING: Duration = Duration::from_secs(20);

struct Cluster {
    /// Serves every slot but the key's.
    first: RedisServer,
    /// Serves the key's slot.
    second: RedisServer,
    access_key: String,
}

impl Cluster {
    /// `second`: the names in the certificate of the node that serves the key.
    fn start(second: &[&str]) -> Self {
        let authority = Authority::new("test CA").expect("a CA");
        let issue = |names: &[&str]| {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            authority
                .issue(&Leaf {
                    names,
                    ..Leaf::default()
                })
                .expect("a certificate")
        };
        let access_key = token::access_key();
        let node = |chain: Chain| {
            RedisServer::start(RedisOptions {
                chain,
                ca_pem: authority.pem(),
                access_key: access_key.clone(),
                cluster: true,
                config: vec!["cluster-node-timeout 5000".into()],
                ..RedisOptions::default()
            })
            .expect("redis-server")
        };
        let cluster = Self {
            first: node(issue(&["localhost"])),
            second: node(issue(second)),
            access_key,
        };
        cluster.form();
        cluster
    }

    fn form(&self) {
        let run = |server: &RedisServer, words: &[&str]| server.command(words).expect("redis-cli");
        run(
            &self.first,
            &["CLUSTER", "ADDSLOTSRANGE", "0", "141", "143", "16383"],
        );
        run(&self.second, &["CLUSTER", "ADDSLOTS", SLOT]);
        let bus = run(&self.second, &["CONFIG", "GET", "cluster-port"]);
        let bus = bus.lines().last().expect("a value").to_owned();
        let port = self.second.port().to_string();
        run(&self.first, &["CLUSTER", "MEET", "127.0.0.1", &port, &bus]);
        let until = Instant::now() + FORMING;
        for server in [&self.first, &self.second] {
            while !run(server, &["CLUSTER", "INFO"]).contains("cluster_state:ok") {
                assert!(Instant::now() < until, "no cluster formed");
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }

    /// Serves a check of it, once it is ready.
    fn serve(&self) -> Server {
        let check = self.check().env("CACHE_HEALTH_INTERVAL", "200ms");
        let server = check.serve();
        server.wait_for_status("/readyz", 200);
        server
    }

    fn check(&self) -> Check {
        Check::of("localhost", self.first.port())
            .env("REDIS_CA_FILE", self.first.ca_file().display().to_string())
            .env("REDIS_ACCESS_KEY", &self.access_key)
            .env("REDIS_AUTH", "access-key")
            .secret(&self.access_key)
    }
}

#[test]
fn moved_is_followed_and_the_certificate_verified_against_the_configured_name() {
    let cluster = Cluster::start(&["localhost"]);
    let verdict = cluster.check().run().passes();
    let node = format!("127.0.0.1:{}", cluster.second.port());
    assert!(
        verdict.stderr.contains("MOVED; followed"),
        "{}",
        verdict.stderr
    );
    assert!(verdict.stderr.contains(&node), "{}", verdict.stderr);
    let value = cluster.second.command(&["GET", "health"]);
    assert_eq!(value.expect("redis-cli"), "ok");
}

#[test]
fn a_node_that_is_not_the_same_service_gets_no_credential_and_moved_is_named() {
    let cluster = Cluster::start(&["elsewhere.test"]);
    let verdict = cluster.check().run().fails(Kind::Moved, Step::Set);
    let failure = verdict.document.failure.expect("a failure");
    let node = format!("127.0.0.1:{}", cluster.second.port());
    assert!(failure.output.contains(&node), "{}", failure.output);
    assert!(failure.output.contains(SLOT), "{}", failure.output);
    let users = cluster
        .second
        .command(&["CLIENT", "LIST"])
        .expect("redis-cli");
    assert!(!users.contains("user=default"), "{users}");
}

#[test]
fn the_connection_to_the_node_is_kept() {
    let cluster = Cluster::start(&["localhost"]);
    let server = cluster.serve();
    for _ in 0..20 {
        let answer = server.get("/healthz?fresh=1");
        assert_eq!(answer.verdict(), (Status::Pass, vec![]), "{}", answer.body);
    }
    server.wait_for_log("MOVED; followed");
    assert_eq!(server.log().matches("MOVED; followed").count(), 1);
}

#[test]
fn a_slot_that_moves_back_is_followed_as_well() {
    let cluster = Cluster::start(&["localhost"]);
    let server = cluster.serve();
    let first = cluster.first.command(&["CLUSTER", "MYID"]).expect("an id");
    for node in [&cluster.first, &cluster.second] {
        // Without its key, the slot may change hands.
        let _ = cluster.second.command(&["DEL", "health"]);
        node.command(&["CLUSTER", "SETSLOT", SLOT, "NODE", &first])
            .expect("redis-cli");
    }
    server.wait_for("the node that serves it now", |server| {
        let passes = server.get("/healthz?fresh=1").verdict().0 == Status::Pass;
        (passes && server.log().matches("MOVED; followed").count() >= 2).then_some(())
    });
}
