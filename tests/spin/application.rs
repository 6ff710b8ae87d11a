//! What an instance of the Spin application does with its connection, its token and its time, on a
//! host with Spin's interfaces.

use super::cases::{Scene, cases};
use crate::fixtures::spin_host::{SpinHost, runtime};
use cache_health_report::{Kind, Status, Step};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How often a test asks that waits for something.
const ASK: Duration = Duration::from_millis(100);
/// The longest that a recovery may take.
const PATIENCE: Duration = Duration::from_secs(15);

#[test]
fn spin_keeps_one_connection_for_the_requests_of_an_instance() {
    let case = &cases()[0];
    let scene = Scene::of(case);
    let application = scene.application();
    let open = Arc::clone(&application.connections);
    runtime().block_on(async {
        let mut instance = SpinHost::new(application);
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
fn on_spin_new_connections_are_bounded_and_a_probe_that_needs_none_is_not() {
    let scene = Scene::of(&cases()[0]);
    runtime().block_on(async {
        let mut instance = SpinHost::new(scene.application());
        assert_eq!(instance.fresh().await.0, 200);
        let before = scene.azure.connections();
        let started = Instant::now();
        for _ in 0..12 {
            assert_eq!(instance.get("/healthz?new-connection=1").await.0, 200);
            assert_eq!(instance.fresh().await.0, 200);
        }
        // Four at once, then two a second.
        let most = 4.0 + 2.0 * started.elapsed().as_secs_f64();
        let made = scene.azure.connections() - before;
        assert!(made as f64 <= most, "{made} of {most}");
    });
}

#[test]
fn spin_replaces_a_broken_connection_within_the_check() {
    let case = &cases()[0];
    let scene = Scene::of(case);
    let user = scene.azure.object_id.clone();
    runtime().block_on(async {
        let mut instance = SpinHost::new(scene.application());
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
        let mut instance = SpinHost::new(application);
        scene.azure.redis.hang().expect("SIGSTOP");
        for _ in 0..3 {
            let started = Instant::now();
            assert_eq!(instance.fresh().await.0, 503);
            assert!(
                // The deadline of the cases is one second.
                started.elapsed() < Duration::from_secs(2),
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
        let mut instance = SpinHost::new(scene.application());
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
        let (status, document) = SpinHost::new(application).fresh().await;
        assert_eq!(status, 503);
        // The operator is known all the same: the token would otherwise be handed on, where there is an application.
        assert!(document.evidence.is_some());
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
fn on_spin_a_variable_whose_store_is_down_is_not_taken_for_unset() {
    let scene = Scene::of(&cases()[0]);
    let mut application = scene.application();
    application.unreadable = Some("redis_auth");
    runtime().block_on(async {
        let (status, document) = SpinHost::new(application).fresh().await;
        assert_eq!(status, 503);
        let failure = document.failure.expect("one");
        assert_eq!(failure.kind, Kind::Config);
        assert!(
            failure.output.starts_with("redis_auth could not be read"),
            "{}",
            failure.output
        );
        assert!(!failure.output.contains("s3cret"), "{}", failure.output);
    });
}

#[test]
fn an_instance_that_goes_away_closes_its_connection() {
    let scene = Scene::of(&cases()[0]);
    let application = scene.application();
    let open = Arc::clone(&application.connections);
    runtime().block_on(async {
        let mut instance = SpinHost::new(application);
        assert_eq!(instance.fresh().await.0, 200);
        assert_eq!(open.load(Ordering::SeqCst), 1);
        drop(instance);
    });
    assert_eq!(open.load(Ordering::SeqCst), 0);
}

#[test]
fn on_spin_a_token_is_renewed_by_opening_a_new_connection() {
    const LIFE: u64 = 12;
    let scene = Scene::of(&cases()[0]);
    scene.azure.issue_tokens_of(LIFE as i64);
    let application = scene.application();
    let open = Arc::clone(&application.connections);
    runtime().block_on(async {
        let mut instance = SpinHost::new(application);
        let (_, first) = instance.fresh().await;
        let ends = |document: &cache_health_report::Document| {
            document
                .auth
                .as_ref()
                .and_then(|auth| auth.expires_at.clone())
        };
        let until = Instant::now() + Duration::from_secs(LIFE);
        loop {
            let (status, document) = instance.fresh().await;
            assert_eq!(
                (status, document.status),
                (200, Status::Pass),
                "{document:#?}"
            );
            if ends(&document) != ends(&first) {
                assert!(
                    document.checks.contains_key(&Step::Connect),
                    "{document:#?}"
                );
                break;
            }
            assert!(
                Instant::now() < until,
                "the token was not renewed in its life"
            );
            tokio::time::sleep(ASK).await;
        }
        assert_eq!(open.load(Ordering::SeqCst), 1, "the old connection is gone");
    });
    assert_eq!(scene.azure.identity.requests(), 2);
}

#[test]
fn on_spin_a_failing_renewal_keeps_the_token_and_warns_near_its_end() {
    let scene = Scene::of(&cases()[0]);
    scene.azure.issue_tokens_of(8);
    runtime().block_on(async {
        let mut instance = SpinHost::new(scene.application());
        assert_eq!(instance.fresh().await.1.status, Status::Pass);
        let outage = cache_health_local_azure::identity::Behaviour::status(400);
        scene.azure.identity.behave(outage);
        let mut seen = vec![Status::Pass];
        while seen.last() != Some(&Status::Fail) {
            let (_, document) = instance.fresh().await;
            if seen.last() != Some(&document.status) {
                seen.push(document.status);
            }
            assert!(seen.len() <= 3, "{seen:?}");
            tokio::time::sleep(ASK).await;
        }
        assert_eq!(seen, [Status::Pass, Status::Warn, Status::Fail]);
        scene.azure.issue_tokens_of(8);
        // An endpoint that fails is asked once in five seconds.
        let until = Instant::now() + PATIENCE;
        while instance.fresh().await.1.status != Status::Pass {
            assert!(Instant::now() < until, "no recovery");
            tokio::time::sleep(ASK).await;
        }
    });
}

#[test]
fn on_spin_a_revoked_key_shows_on_a_new_connection() {
    let case = cases()
        .into_iter()
        .find(|case| case.expect.method.as_deref() == Some("access-key"));
    let scene = Scene::of(&case.expect("a case with a key"));
    runtime().block_on(async {
        let mut instance = SpinHost::new(scene.application());
        assert_eq!(instance.fresh().await.0, 200);
        let rule = format!("<{}", scene.azure.access_key);
        let words = ["ACL", "SETUSER", "default", &rule];
        scene.azure.redis.command(&words).expect("redis-cli");
        assert_eq!(instance.fresh().await.0, 200);
        let (status, body) = instance.get("/healthz?new-connection=1").await;
        let document = crate::fixtures::document::read(&String::from_utf8_lossy(&body));
        assert_eq!((status, document.status), (200, Status::Warn));
        let kinds: Vec<Kind> = document.warnings.iter().map(|w| w.kind).collect();
        assert!(kinds.contains(&Kind::AuthRejected), "{kinds:?}");
    });
}
