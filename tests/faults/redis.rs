//! Faults of Redis itself.

use super::row::{Expect, OnSpin, Row};
use super::scene::Scene;
use cache_health_local_azure::certificates::{Authority, Leaf};
use cache_health_local_azure::proxy::Action;
use cache_health_report::{Kind, Step};
use std::time::{Duration, Instant};

const GROUP: &str = "Redis";
/// Nothing listens there.
const DEAD_PORT: &str = "1";
/// How long a background save may take.
const SAVE: Duration = Duration::from_secs(10);

pub fn rows() -> Vec<Row> {
    let fail = |kind, step| Expect::Fail(kind, Some(step));
    let row = |fault, expect| Row::new(GROUP, fault, expect);
    vec![
        row("killed", fail(Kind::Connect, Step::Tcp))
            .prepare(Scene::without_proxy)
            .begin(|s| s.azure.redis.kill().expect("killed"))
            .end(|s| s.azure.redis.restart(|_| {}).expect("started again")),
        row("hung (SIGSTOP)", fail(Kind::Timeout, Step::Set))
            .prepare(Scene::without_proxy)
            .begin(|s| s.azure.redis.hang().expect("stopped"))
            .end(|s| s.azure.redis.resume().expect("continued")),
        row("restarted", Expect::Pass)
            .prepare(Scene::without_proxy)
            .begin(|s| {
                s.azure.redis.kill().expect("killed");
                s.azure.redis.restart(|_| {}).expect("started again");
            }),
        row(
            "restarted with a certificate of an unknown CA",
            fail(Kind::TlsUntrusted, Step::Tls),
        )
        .prepare(Scene::without_proxy)
        .begin(|s| {
            let foreign = Authority::new("somebody else's CA").expect("a CA");
            let chain = foreign.issue(&Leaf::default()).expect("a certificate");
            s.azure.redis.kill().expect("killed");
            let change = |o: &mut cache_health_local_azure::redis::RedisOptions| o.chain = chain;
            s.azure.redis.restart(change).expect("started again");
        })
        .end(|s| {
            let chain = s.azure.chain.clone();
            s.azure.redis.kill().expect("killed");
            let change = |o: &mut cache_health_local_azure::redis::RedisOptions| o.chain = chain;
            s.azure.redis.restart(change).expect("started again");
        }),
        row(
            "out of memory, noeviction",
            fail(Kind::OutOfMemory, Step::Set),
        )
        .prepare(|s| drop(s.redis(&["CONFIG", "SET", "maxmemory-policy", "noeviction"])))
        .begin(|s| drop(s.redis(&["CONFIG", "SET", "maxmemory", "1"])))
        .end(|s| drop(s.redis(&["CONFIG", "SET", "maxmemory", "0"]))),
        row("loading a large dump", fail(Kind::Loading, Step::Set))
            .prepare(Scene::without_proxy)
            .begin(|s| {
                s.redis(&["DEBUG", "POPULATE", "20000"]);
                s.redis(&["SAVE"]);
                s.azure.redis.kill().expect("killed");
                let slow = [
                    "key-load-delay 1000".to_owned(),
                    "loading-process-events-interval-bytes 1024".to_owned(),
                ];
                let change = |o: &mut cache_health_local_azure::redis::RedisOptions| {
                    o.config.extend(slow);
                };
                s.azure.redis.restart(change).expect("started again");
            })
            .end(|s| {
                s.redis(&["CONFIG", "SET", "key-load-delay", "0"]);
                wait_for(s, &["INFO", "persistence"], "loading:0");
            }),
        row("read-only replica", fail(Kind::ReadOnly, Step::Set))
            .begin(|s| drop(s.redis(&["REPLICAOF", "127.0.0.1", DEAD_PORT])))
            .end(|s| drop(s.redis(&["REPLICAOF", "NO", "ONE"]))),
        row(
            "replica that lost its master",
            Expect::Code("MASTERDOWN", Step::Set),
        )
        .prepare(|s| {
            s.redis(&["CONFIG", "SET", "replica-read-only", "no"]);
            s.redis(&["CONFIG", "SET", "replica-serve-stale-data", "no"]);
        })
        .begin(|s| drop(s.redis(&["REPLICAOF", "127.0.0.1", DEAD_PORT])))
        .end(|s| drop(s.redis(&["REPLICAOF", "NO", "ONE"]))),
        row("cannot save to disk", Expect::Code("MISCONF", Step::Set))
            .prepare(|s| drop(s.redis(&["CONFIG", "SET", "save", "3600 1"])))
            .begin(|s| {
                std::fs::create_dir(s.azure.redis.folder().join("dump.rdb")).expect("made");
                s.redis(&["BGSAVE"]);
                wait_for(s, &["INFO", "persistence"], "rdb_last_bgsave_status:err");
            })
            .end(|s| {
                std::fs::remove_dir(s.azure.redis.folder().join("dump.rdb")).expect("removed");
                s.redis(&["BGSAVE"]);
                wait_for(s, &["INFO", "persistence"], "rdb_last_bgsave_status:ok");
            }),
        row(
            "cluster without the key's slot",
            Expect::Code("CLUSTERDOWN", Step::Set),
        )
        .prepare(|s| {
            s.start_over(|options| options.cluster = true);
            s.redis(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
            wait_for(s, &["CLUSTER", "INFO"], "cluster_state:ok");
        })
        .begin(|s| drop(s.redis(&["CLUSTER", "DELSLOTS", "142"])))
        .end(|s| {
            s.redis(&["CLUSTER", "ADDSLOTS", "142"]);
            wait_for(s, &["CLUSTER", "INFO"], "cluster_state:ok");
        }),
        row("maxclients reached", fail(Kind::Closed, Step::Tls))
            .prepare(Scene::without_proxy)
            .begin(|s| {
                s.hold("CONFIG SET maxclients 1");
                let kill = format!("CLIENT KILL USER {}", s.azure.object_id);
                s.hold(&kill);
            })
            .end(|s| s.hold("CONFIG SET maxclients 1000")),
        row("user without SET", fail(Kind::PermissionDenied, Step::Set))
            .begin(|s| s.acl("-set"))
            .end(|s| s.acl("+set")),
        row("user without GET", fail(Kind::PermissionDenied, Step::Get))
            .begin(|s| s.acl("-get"))
            .end(|s| s.acl("+get")),
        row(
            "user without the key",
            fail(Kind::PermissionDenied, Step::Set),
        )
        .begin(|s| {
            s.acl("resetkeys");
            s.acl("~another");
        })
        .end(|s| s.acl("~*")),
        row("user removed", fail(Kind::AuthRejected, Step::Auth))
            .begin(|s| drop(s.redis(&["ACL", "DELUSER", &s.azure.object_id])))
            .end(restore_user),
        row(
            "credential revoked under a live connection",
            fail(Kind::AuthRejected, Step::Auth),
        )
        .begin(|s| {
            s.acl("resetpass");
            s.end_connections();
        })
        .end(restore_user),
        row(
            "wants authentication (NOAUTH)",
            fail(Kind::AuthRequired, Step::Set),
        )
        .begin(|s| {
            s.proxy.on_command(|command| match command.is("SET") {
                true => Action::Answer(b"-NOAUTH Authentication required.\r\n".to_vec()),
                false => Action::Forward,
            });
        })
        .end(|s| s.proxy.heal().expect("healed")),
        row(
            "the kept connection leads to a demoted primary",
            Expect::Pass,
        )
        .begin(|s| answer_on_old_connections(s, "READONLY You can't write"))
        .end(|s| s.proxy.heal().expect("healed")),
        row("the kept connection lost its authentication", Expect::Pass)
            .begin(|s| answer_on_old_connections(s, "NOAUTH Authentication required."))
            .end(|s| s.proxy.heal().expect("healed")),
        row("CLIENT KILL in each check", fail(Kind::Closed, Step::Get))
            .begin(|s| {
                let (administrator, user) =
                    (s.azure.redis.administrator(), s.azure.object_id.clone());
                s.proxy.on_command(move |command| {
                    if command.is("GET") {
                        let words = ["CLIENT", "KILL", "USER", &user];
                        administrator.command(&words).expect("redis-cli");
                    }
                    Action::Forward
                });
            })
            .end(|s| s.proxy.heal().expect("healed")),
        row(
            "value changed between SET and GET",
            fail(Kind::Mismatch, Step::Get),
        )
        .begin(|s| {
            let administrator = s.azure.redis.administrator();
            s.proxy.on_command(move |command| {
                if command.is("GET") {
                    let words = ["SET", "health", "somebody else's"];
                    administrator.command(&words).expect("redis-cli");
                }
                Action::Forward
            });
        })
        .end(|s| s.proxy.heal().expect("healed")),
        row(
            "key removed between SET and GET",
            fail(Kind::Mismatch, Step::Get),
        )
        .begin(|s| {
            let administrator = s.azure.redis.administrator();
            s.proxy.on_command(move |command| {
                if command.is("GET") {
                    administrator
                        .command(&["DEL", "health"])
                        .expect("redis-cli");
                }
                Action::Forward
            });
        })
        .end(|s| s.proxy.heal().expect("healed")),
        row(
            "MOVED to where nobody answers",
            fail(Kind::Moved, Step::Set),
        )
        .begin(|s| {
            s.proxy.on_command(|command| match command.is("SET") {
                true => Action::Answer(b"-MOVED 142 127.0.0.1:1\r\n".to_vec()),
                false => Action::Forward,
            });
        })
        .end(|s| s.proxy.heal().expect("healed"))
        .on_spin(OnSpin::Same),
    ]
}

/// Connections that are open answer SET with this; new ones work.
fn answer_on_old_connections(scene: &mut Scene, error: &'static str) {
    let before = scene.proxy.accepted();
    scene.proxy.on_command(move |command| {
        let old = command.connection <= before && command.is("SET");
        match old {
            true => Action::Answer(format!("-{error}\r\n").into_bytes()),
            false => Action::Forward,
        }
    });
}

fn restore_user(scene: &mut Scene) {
    let password = format!(">{}", scene.azure.token.text);
    let user = scene.azure.object_id.clone();
    let rules = ["on", &password, "~*", "&*", "+@all"];
    scene.redis(&[&["ACL", "SETUSER", &user], &rules[..]].concat());
}

fn wait_for(scene: &Scene, words: &[&str], line: &str) {
    let until = Instant::now() + SAVE;
    while !scene.redis(words).contains(line) {
        assert!(Instant::now() < until, "no {line}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
