//! Two views of each document: `docs/reference/views.md` lists what anybody sees, and the tests hold both hosts to it.

use crate::fixtures::operator::{self, TOKEN};
use crate::fixtures::server::Server;
use crate::fixtures::spin_host::{Application, SpinHost, runtime};
use crate::fixtures::{Azure, Check, document};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use cache_health_local_azure::identity::Behaviour;
use http::Request;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const PAGE: &str = include_str!("../../docs/reference/views.md");
/// A value of this deployment that the platform sets.
const REPLICA: &str = "shop--7f-replica";

/// The members that a route's table lists, with whether anybody sees them.
fn documented(route: &str) -> Vec<(String, bool)> {
    let heading = format!("| member of `{route}` |");
    let table = PAGE
        .lines()
        .skip_while(|line| !line.starts_with(&heading))
        .skip(2);
    let rows = table.take_while(|line| line.starts_with('|'));
    rows.flat_map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let (members, public) = (cells[1], cells[2] == "public");
        let names = members
            .split(", ")
            .map(|name| name.trim_matches('`').to_owned());
        names.map(move |name| (name, public)).collect::<Vec<_>>()
    })
    .collect()
}

/// The members that hold something, with `[]` for a place in a list and `*` for a name that is data.
fn members(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Null => {}
        Value::Object(map) => {
            let data =
                path.ends_with("evidence") || path == "checks" && map.contains_key("redis:set");
            for (name, value) in map {
                let name = if data { "*" } else { name };
                let dot = if path.is_empty() { "" } else { "." };
                members(value, &format!("{path}{dot}{name}"), found);
            }
        }
        Value::Array(items) => {
            for item in items {
                members(item, &format!("{path}[]"), found);
            }
        }
        _ => drop(found.insert(path.to_owned())),
    }
}

/// What is seen of a host, in either view.
#[derive(Default)]
struct Seen {
    public: BTreeSet<String>,
    details: BTreeSet<String>,
}

impl Seen {
    fn take(&mut self, route: &str, anybody: &str, operator: &str, values: &[String]) {
        for value in values {
            assert!(!anybody.contains(value), "{value} in {route}: {anybody}");
        }
        for (text, found) in [(anybody, &mut self.public), (operator, &mut self.details)] {
            let value = serde_json::from_str(text).expect("JSON");
            members(&value, "", found);
        }
    }

    /// Anybody sees what is public, and the operator everything that is documented.
    fn judge(&self, route: &str, host: &str) {
        let documented = documented(route);
        assert!(!documented.is_empty(), "no table for {route}");
        let named = |public: bool| {
            let names = documented.iter().filter(|(_, of)| *of == public || !public);
            names.map(|(name, _)| name.clone()).collect::<BTreeSet<_>>()
        };
        let (public, all) = (named(true), named(false));
        let beyond: Vec<_> = self.public.difference(&public).collect();
        assert!(
            beyond.is_empty(),
            "anybody sees {beyond:?} of {route} on {host}"
        );
        let beyond: Vec<_> = self.details.difference(&all).collect();
        assert!(
            beyond.is_empty(),
            "{beyond:?} of {route} on {host} is not documented"
        );
        for (name, public) in documented {
            // No collector is configured here (tests/telemetry), and no fault here warns with a code.
            if name.starts_with("exports[]") || name == "warnings[].code" {
                continue;
            }
            assert!(
                self.details.contains(&name),
                "{name} of {route} was never seen on {host}"
            );
            assert_eq!(
                self.public.contains(&name),
                public,
                "{name} of {route} on {host}"
            );
        }
    }
}

/// What stands for this deployment.
fn values(azure: &Azure) -> Vec<String> {
    vec![
        azure.object_id.clone(),
        format!("localhost:{}", azure.redis.port()),
        "CN=".to_owned(),
        "127.0.0.1".to_owned(),
        REPLICA.to_owned(),
    ]
}

/// An Azure, and what is checked of it.
type Scene = (Azure, fn(&Azure) -> Check);

/// A cache that can be used, one that is used with the fallback, and one that refuses to write.
fn scenes() -> Vec<Scene> {
    let (passing, falling_back, failing) = (Azure::start(), Azure::start(), Azure::start());
    falling_back.identity.behave(Behaviour::status(400));
    failing
        .redis
        .command(&["CONFIG", "SET", "min-replicas-to-write", "1"])
        .expect("redis-cli");
    vec![
        (passing, Azure::check_entra),
        (falling_back, Azure::check_both),
        (failing, Azure::check_entra),
    ]
}

#[test]
fn the_standalone_host_shows_the_details_to_the_operator_and_what_is_listed_to_anybody() {
    let (mut healthz, mut history) = (Seen::default(), Seen::default());
    for (azure, check) in scenes() {
        let server = check(&azure)
            .env("CACHE_HEALTH_INTERVAL", "200ms")
            .env("CONTAINER_APP_REPLICA_NAME", REPLICA)
            .env("CONTAINER_APP_REVISION", "shop--7f")
            .serve();
        server.wait_for("a second sample", |server| {
            let history: Value = serde_json::from_str(&server.get("/history").body).expect("JSON");
            (history["checks"].as_u64() >= Some(2)).then_some(())
        });
        let values = values(&azure);
        for path in [
            "/healthz",
            "/healthz?fresh=1",
            "/healthz?new-connection=1",
            "/history",
        ] {
            let (anybody, operator) = (server.get_as_anybody(path), server.get(path));
            assert_eq!(anybody.status, operator.status, "{path}");
            let seen = match path {
                "/history" => &mut history,
                _ => &mut healthz,
            };
            seen.take(path, &anybody.body, &operator.body, &values);
        }
        for path in ["/readyz", "/readyz?verbose", "/livez", "/nothing"] {
            let (anybody, operator) = (server.get_as_anybody(path), server.get(path));
            assert_eq!(anybody.body, operator.body, "{path}");
            assert!(
                !values.iter().any(|value| anybody.body.contains(value)),
                "{path}"
            );
        }
    }
    let (azure, server) = refused_beside_a_kept_connection();
    let path = "/healthz?new-connection=1";
    let (anybody, operator) = (server.get_as_anybody(path), server.get(path));
    healthz.take(path, &anybody.body, &operator.body, &values(&azure));
    healthz.judge("/healthz", "the standalone host");
    history.judge("/history", "the standalone host");
}

/// A server whose kept connection works, while Redis takes no new one.
fn refused_beside_a_kept_connection() -> (Azure, Server) {
    let azure = Azure::start();
    let server = azure.serve();
    azure
        .redis
        .command(&["ACL", "SETUSER", &azure.object_id, "resetpass"])
        .expect("redis-cli");
    (azure, server)
}

async fn on_spin(
    instance: &mut SpinHost,
    path: &str,
    authorization: Option<&str>,
) -> (u16, String) {
    let mut request = Request::get(path).header("host", "localhost");
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    let request = request.body(Bytes::new()).expect("a request");
    let answer = instance.send(vec![request]).await.remove(0);
    let body = String::from_utf8(answer.body().to_vec()).expect("UTF-8");
    (answer.status().as_u16(), body)
}

fn application(check: &Check) -> Application {
    let environment = check.environment();
    Application::of(environment, PathBuf::from(&environment["REDIS_CA_FILE"]))
}

#[test]
fn spin_shows_the_details_to_the_operator_and_what_is_listed_to_anybody() {
    let operator = operator::authorization();
    let mut answers = Vec::new();
    for (azure, check) in scenes() {
        let application = application(&check(&azure));
        runtime().block_on(async {
            let mut instance = SpinHost::new(application);
            for path in ["/healthz", "/healthz?fresh=1", "/healthz?new-connection=1"] {
                let (status, anybody) = on_spin(&mut instance, path, None).await;
                let (same, details) = on_spin(&mut instance, path, Some(&operator)).await;
                assert_eq!(status, same, "{path}");
                document::read(&anybody);
                answers.push((anybody, details, values(&azure)));
            }
            let (status, _) = on_spin(&mut instance, "/history", Some(&operator)).await;
            assert_eq!(status, 404, "nothing runs between requests");
        });
    }
    let mut seen = Seen::default();
    for (anybody, details, values) in &answers {
        seen.take("/healthz", anybody, details, values);
    }
    // Spin's Redis says nothing of its session: docs/spin.md.
    let documented = documented("/healthz");
    let public = |name: &String| documented.contains(&(name.clone(), true));
    assert!(seen.public.iter().all(public), "{:?}", seen.public);
    for (name, of_anybody) in &documented {
        if seen.details.contains(name) {
            assert_eq!(seen.public.contains(name), *of_anybody, "{name}");
        }
    }
    for name in ["auth.principal", "failure.evidence.*", "evidence.*"] {
        assert!(seen.details.contains(name), "{name} in {:?}", seen.details);
    }
}

/// The ways to show the token, and ways that do not.
fn authorizations() -> [(String, bool); 8] {
    let basic = |pair: &str| format!("Basic {}", BASE64_STANDARD.encode(pair));
    [
        (format!("Bearer {TOKEN}"), true),
        (basic(&format!("operator:{TOKEN}")), true),
        (basic(&format!(":{TOKEN}")), true),
        ("Bearer another".to_owned(), false),
        (format!("Bearer {TOKEN}x"), false),
        (basic("operator:another"), false),
        (basic(&format!("{TOKEN}:operator")), false),
        (TOKEN.to_owned(), false),
    ]
}

#[test]
fn the_token_is_a_bearer_token_or_a_password_and_nothing_else_on_both_hosts() {
    let azure = Azure::start();
    let server = azure.serve();
    for (authorization, is_operator) in authorizations() {
        let answer = server.get_as("/healthz", Some(&authorization));
        let shown = answer.document().evidence.is_some();
        assert_eq!(
            (answer.status, shown),
            (200, is_operator),
            "{authorization}"
        );
        let insisting = server.get_as("/healthz?details", Some(&authorization));
        let status = if is_operator { 200 } else { 401 };
        assert_eq!(insisting.status, status, "{authorization}");
    }
    let application = application(&azure.check_key());
    runtime().block_on(async {
        let mut spin = SpinHost::new(application);
        for (authorization, is_operator) in authorizations() {
            let (_, body) = on_spin(&mut spin, "/healthz", Some(&authorization)).await;
            let shown = document::read(&body).evidence.is_some();
            assert_eq!(shown, is_operator, "{authorization} on Spin");
            let (status, _) = on_spin(&mut spin, "/healthz?details", Some(&authorization)).await;
            assert_eq!(status == 200, is_operator, "{authorization} on Spin");
        }
    });
    let asked = server.get_as_anybody("/history?details");
    assert_eq!(asked.status, 401);
    assert_eq!(
        asked.headers["www-authenticate"],
        "Basic realm=\"cache-health\""
    );
}

#[test]
fn without_a_token_nobody_is_the_operator() {
    let azure = Azure::start();
    let check = azure.check_key().without("CACHE_HEALTH_OPERATOR_TOKEN");
    let server = check.env("CACHE_HEALTH_INTERVAL", "200ms").serve();
    server.wait_for_status("/readyz", 200);
    for authorization in ["Bearer ", "Bearer", "Basic Og==", "Bearer null"] {
        let answer = server.get_as("/healthz", Some(authorization));
        assert_eq!(answer.document().evidence, None, "{authorization}");
    }
}

#[test]
fn a_token_in_a_file_is_read_again_and_while_it_cannot_be_nobody_is_the_operator() {
    let azure = Azure::start();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("token");
    std::fs::write(&file, "first token\n").expect("written");
    let server = azure
        .check_key()
        .operator_token_in(&file)
        .secret("first token")
        .serve();
    server.wait_for_status("/readyz", 200);
    let is_operator = |token: &str| {
        let answer = server.get_as("/healthz", Some(&format!("Bearer {token}")));
        answer.document().evidence.is_some()
    };
    assert!(is_operator("first token"));
    std::fs::write(&file, "second token\n").expect("written");
    assert!(is_operator("second token") && !is_operator("first token"));
    std::fs::remove_file(&file).expect("removed");
    assert!(!is_operator("second token") && !is_operator(""));
}

#[test]
fn a_token_that_cannot_be_used_stops_the_start_and_is_not_printed() {
    let azure = Azure::start();
    let missing = azure
        .check_key()
        .operator_token_in(Path::new("/nowhere/token"));
    let both = azure
        .check_key()
        .env("CACHE_HEALTH_OPERATOR_TOKEN_FILE", "/nowhere/token");
    for check in [missing, both] {
        let (output, _) = check.output(&["serve", "--listen", "127.0.0.1:0"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("CACHE_HEALTH_OPERATOR_TOKEN_FILE"), "{said}");
    }
}
