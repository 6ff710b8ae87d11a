//! One set of cases, `tests/cases/cases.json`, over both compositions: the own host, and the Spin
//! application on a host with Spin's interfaces. The same verdicts, but for the differences that
//! are listed here by name.

mod real_spin;
mod spin_host;
mod support;

use cache_health_report::{Document, Status, Step};
use cache_health_standin::certificates::Leaf;
use cache_health_standin::identity::Behaviour;
use cache_health_standin::token::{self, Token};
use serde::Deserialize;
use spin_host::{Application, Instance};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use support::{Azure, Check, HOUR};

/// What differs on Spin, and why.
const DIFFERENCES: [(&str, &str); 2] = [
    (
        "redis:connect",
        "Spin opens a connection in one call: dns, tcp, tls and auth cannot be told apart",
    ),
    ("tls is null", "Spin checks TLS and shows nothing of it"),
];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Case {
    name: String,
    auth: String,
    identity: bool,
    key: String,
    fault: String,
    expect: Expectation,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Expectation {
    status: Status,
    kind: Option<String>,
    step: Option<Step>,
    code: Option<String>,
    warning: Option<String>,
    method: Option<String>,
    fallback_reason: Option<String>,
}

/// A case made real.
struct Scene {
    azure: Azure,
    environment: HashMap<&'static str, String>,
    ca_file: PathBuf,
    _foreign: Option<Azure>,
}

impl Scene {
    fn of(case: &Case) -> Self {
        let azure = match case.fault.as_str() {
            "wrong-name" => Azure::with_leaf(&Leaf {
                names: vec!["elsewhere.test".into()],
                ..Leaf::default()
            }),
            "expired" => {
                let (starts, ends) = (time::Duration::days(-9), time::Duration::days(-1));
                Azure::with_leaf(&Leaf {
                    starts,
                    ends,
                    ..Leaf::default()
                })
            }
            "out-of-memory" => Azure::with(|redis| {
                redis
                    .config
                    .extend(["maxmemory 1".into(), "maxmemory-policy noeviction".into()]);
            }),
            "cluster-down" => Azure::with(|redis| redis.config.push("cluster-enabled yes".into())),
            _ => Azure::start(),
        };
        let foreign = (case.fault == "unknown-ca").then(Azure::start);
        let ca_file = foreign.as_ref().unwrap_or(&azure).redis.ca_file();
        let mut environment = HashMap::from([
            ("REDIS_HOST", "localhost".to_owned()),
            ("REDIS_PORT", azure.redis.port().to_string()),
            ("REDIS_AUTH", case.auth.clone()),
            ("CACHE_HEALTH_TIMEOUT", "1s".to_owned()),
        ]);
        if case.identity {
            environment.insert("IDENTITY_ENDPOINT", azure.identity.url());
            environment.insert("IDENTITY_HEADER", azure.identity.header.clone());
        }
        match case.key.as_str() {
            "right" => drop(environment.insert("REDIS_ACCESS_KEY", azure.access_key.clone())),
            "wrong" => drop(environment.insert("REDIS_ACCESS_KEY", token::access_key())),
            "secondary" => {
                environment.insert("REDIS_ACCESS_KEY", token::access_key());
                environment.insert("REDIS_ACCESS_KEY_SECONDARY", azure.access_key.clone());
            }
            other => assert_eq!(other, "none"),
        }
        apply(&case.fault, &azure, &mut environment);
        Self {
            azure,
            environment,
            ca_file,
            _foreign: foreign,
        }
    }

    /// The verdict of the own host.
    fn on_own_host(&self) -> Document {
        let mut check = Check::of("localhost", 0)
            .env("REDIS_CA_FILE", self.ca_file.display().to_string())
            .secret(&self.azure.access_key)
            .secret(&self.azure.token.text)
            .secret(&self.azure.identity.header);
        for (name, value) in &self.environment {
            check = check.env(name, value);
        }
        check.run().document
    }

    fn application(&self) -> Application {
        let lower = |(name, value): (&&str, &String)| (name.to_ascii_lowercase(), value.clone());
        Application {
            variables: self.environment.iter().map(lower).collect(),
            ca_file: self.ca_file.clone(),
            connections: Arc::default(),
        }
    }

    /// The verdict of the Spin composition.
    fn on_spin(&self) -> (u16, Document) {
        runtime().block_on(async { Instance::new(self.application()).await.fresh().await })
    }
}

fn apply(fault: &str, azure: &Azure, environment: &mut HashMap<&'static str, String>) {
    let user = azure.object_id.as_str();
    let identity = |behaviour| azure.identity.behave(behaviour);
    let acl = |rule| {
        drop(
            azure
                .redis
                .command(&["ACL", "SETUSER", user, rule])
                .expect("redis-cli"),
        )
    };
    match fault {
        "identity-500" => identity(Behaviour::status(500)),
        "identity-400" => identity(Behaviour::status(400)),
        "identity-hang" => identity(Behaviour::Hang),
        "identity-rubbish" => identity(Behaviour::body("<html>")),
        "identity-no-oid" => {
            let token = token::jwt(r#"{"aud":"x"}"#);
            let end = token::now() + HOUR;
            identity(Behaviour::body(format!(
                r#"{{"access_token":"{token}","expires_on":"{end}"}}"#
            )));
        }
        "token-refused" => {
            identity(Behaviour::Token(Token::mint(&token::object_id(), HOUR)));
        }
        "noperm-set" => acl("-set"),
        "noperm-get" => acl("-get"),
        "hung" => azure.redis.hang().expect("SIGSTOP"),
        "refused-port" => {
            let free = cache_health_standin::port::any_free().expect("a port");
            environment.insert("REDIS_PORT", free.to_string());
        }
        "none" | "unknown-ca" | "wrong-name" | "expired" | "out-of-memory" | "cluster-down" => {}
        other => panic!("no such fault: {other}"),
    }
}

impl Expectation {
    /// The same expectation on Spin, where one step stands for four.
    fn on_spin(&self) -> Option<Step> {
        match self.step {
            Some(Step::Dns | Step::Tcp | Step::Tls | Step::Auth) => Some(Step::Connect),
            step => step,
        }
    }

    fn compare(&self, document: &Document, step: Option<Step>) -> Result<(), String> {
        let failure = document.failure.as_ref();
        let auth = document.auth.as_ref();
        let actual = (
            document.status,
            failure.map(|failure| failure.kind.to_string()),
            failure.and_then(|failure| failure.step),
            failure.and_then(|failure| failure.code.clone()),
        );
        let expected = (self.status, self.kind.clone(), step, self.code.clone());
        if actual != expected {
            return Err(format!(
                "{actual:?} in place of {expected:?}:\n{document:#?}"
            ));
        }
        if let Some(method) = &self.method {
            let reason = auth.and_then(|auth| auth.fallback_reason.clone());
            let used = auth.map(|auth| auth.method.as_str());
            if used != Some(method) || reason != self.fallback_reason {
                return Err(format!("{used:?} for {reason:?}"));
            }
        }
        let warns = |kind: &String| document.warnings.iter().any(|w| w.kind.as_str() == kind);
        if !self.warning.as_ref().is_none_or(warns) {
            return Err(format!("no such warning in {:?}", document.warnings));
        }
        Ok(())
    }
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("cases/cases.json")).expect("cases")
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

#[test]
fn both_compositions_give_the_same_verdicts() {
    let mut wrong = Vec::new();
    for case in cases() {
        // A scene each: a check must not find what the other one left behind.
        let own = Scene::of(&case).on_own_host();
        if let Err(why) = case.expect.compare(&own, case.expect.step) {
            wrong.push(format!("{} on the own host: {why}", case.name));
        }
        let (status, spin) = Scene::of(&case).on_spin();
        if let Err(why) = case.expect.compare(&spin, case.expect.on_spin()) {
            wrong.push(format!("{} on Spin: {why}", case.name));
        }
        let expected = if case.expect.status == Status::Fail {
            503
        } else {
            200
        };
        assert_eq!(status, expected, "{}", case.name);
        assert!(spin.tls.is_none(), "{}: evidence from nowhere", case.name);
    }
    for (what, why) in DIFFERENCES {
        println!("differs on Spin: {what}: {why}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn a_real_spin_gives_the_same_verdicts() {
    if !real_spin::is_there() {
        eprintln!("SKIPPED: no `spin` on PATH; the cases did not run under a real `spin up`");
        return;
    }
    let mut wrong = Vec::new();
    for case in cases() {
        let scene = Scene::of(&case);
        let (status, document) = real_spin::verdict(&scene.application());
        if let Err(why) = case.expect.compare(&document, case.expect.on_spin()) {
            wrong.push(format!("{}: {why}", case.name));
        }
        let expected = if case.expect.status == Status::Fail {
            503
        } else {
            200
        };
        assert_eq!(status, expected, "{}", case.name);
        println!("under a real spin up: {}", case.name);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn spin_keeps_one_connection_for_the_requests_of_an_instance() {
    let case = &cases()[0];
    let scene = Scene::of(case);
    let application = scene.application();
    let open = Arc::clone(&application.connections);
    runtime().block_on(async {
        let mut instance = Instance::new(application).await;
        for _ in 0..5 {
            let (status, _) = instance.fresh().await;
            assert_eq!(status, 200);
        }
        let at_once = instance.get_at_once("/healthz?fresh=1", 16).await;
        assert!(at_once.iter().all(|(status, _)| *status == 200));
        assert_eq!(open.load(Ordering::SeqCst), 1);
        let document = instance.fresh().await.1;
        assert_eq!(
            document.checks.keys().copied().collect::<Vec<_>>(),
            [Step::Set, Step::Get]
        );
    });
}

#[test]
fn spin_replaces_a_broken_connection_within_the_check() {
    let case = &cases()[0];
    let scene = Scene::of(case);
    let user = scene.azure.object_id.clone();
    runtime().block_on(async {
        let mut instance = Instance::new(scene.application()).await;
        assert_eq!(instance.fresh().await.0, 200);
        scene
            .azure
            .redis
            .command(&["CLIENT", "KILL", "USER", &user])
            .expect("redis-cli");
        let (status, document) = instance.fresh().await;
        assert_eq!(status, 200, "{document:#?}");
    });
}

#[test]
fn on_spin_the_deadline_holds_alone_and_abandoned_connects_do_not_pile_up() {
    let case = &cases()[0];
    let scene = Scene::of(case);
    let application = scene.application();
    let open = Arc::clone(&application.connections);
    runtime().block_on(async {
        let mut instance = Instance::new(application).await;
        scene.azure.redis.hang().expect("SIGSTOP");
        for _ in 0..3 {
            let started = Instant::now();
            assert_eq!(instance.fresh().await.0, 503);
            assert!(
                started.elapsed() < Duration::from_millis(1500),
                "{:?}",
                started.elapsed()
            );
        }
        let many = instance.get_at_once("/healthz?fresh=1", 6).await;
        assert!(many.iter().all(|(status, _)| *status == 503));
        scene.azure.redis.resume().expect("SIGCONT");
        let (status, document) = instance.fresh().await;
        assert_eq!(status, 200, "{document:#?}");
        assert_eq!(open.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn on_spin_every_route_of_the_contract_is_there() {
    let case = &cases()[0];
    let scene = Scene::of(case);
    runtime().block_on(async {
        let mut instance = Instance::new(scene.application()).await;
        assert_eq!(instance.get("/livez").await, (200, "ok\n".into()));
        assert_eq!(instance.get("/readyz").await, (200, "ok\n".into()));
        let (_, verbose) = instance.get("/readyz?verbose").await;
        assert!(
            verbose.starts_with(b"[+]identity:token ok\n[+]redis:connect ok\n"),
            "{verbose:?}"
        );
        assert_eq!(instance.get("/healthz").await.0, 200);
        assert_eq!(instance.get("/nothing").await.0, 404);
    });
}

#[test]
fn on_spin_a_configuration_error_is_503_and_names_the_variable_in_lower_case() {
    let scene = Scene::of(&cases()[0]);
    let mut application = scene.application();
    application
        .variables
        .insert("redis_auth".into(), "s3cret".into());
    runtime().block_on(async {
        let (status, document) = Instance::new(application).await.fresh().await;
        assert_eq!(status, 503);
        let failure = document.failure.expect("one");
        assert_eq!(failure.kind.as_str(), "config");
        assert!(
            failure.output.starts_with("redis_auth must be"),
            "{}",
            failure.output
        );
    });
}

#[test]
fn an_instance_that_goes_away_closes_its_connection() {
    let scene = Scene::of(&cases()[0]);
    let application = scene.application();
    let open = Arc::clone(&application.connections);
    runtime().block_on(async {
        let mut instance = Instance::new(application).await;
        assert_eq!(instance.fresh().await.0, 200);
        assert_eq!(open.load(Ordering::SeqCst), 1);
        drop(instance);
    });
    assert_eq!(open.load(Ordering::SeqCst), 0);
}
