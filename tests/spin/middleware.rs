//! The middleware on a host with Spin's interfaces: what it answers, and what it hands on.

use super::cases::{Scene, cases};
use crate::fixtures::spin_host::{SpinHost, compiled, runtime};
use crate::fixtures::{artifacts, operator, plugged};
use bytes::Bytes;
use cache_health_artifacts::Component;
use std::sync::OnceLock;

/// The middleware before an application that answers what it was sent.
fn before_echo(scene: &Scene) -> SpinHost {
    static COMPILED: OnceLock<wasmtime::component::Component> = OnceLock::new();
    let component = COMPILED.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let echo = artifacts().component(Component::Echo);
        compiled(&plugged(
            folder.path(),
            &artifacts().middleware_for_spin(),
            &echo,
        ))
    });
    SpinHost::of(component.clone(), scene.application())
}

/// What the application saw of a request, and the body that came back.
fn seen(
    host: &mut SpinHost,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
) -> (String, Bytes) {
    let mut request = http::Request::builder().method(method).uri(target);
    for (name, value) in headers.iter().chain(&[("host", "localhost")]) {
        request = request.header(*name, *value);
    }
    let request = request
        .body(Bytes::from_static(b"a body"))
        .expect("a request");
    let answer = runtime().block_on(host.send(vec![request])).remove(0);
    let seen = answer
        .headers()
        .get("x-seen")
        .map(|seen| seen.to_str().expect("text"));
    (seen.unwrap_or("nothing").to_owned(), answer.into_body())
}

#[test]
fn every_other_request_is_handed_on_untouched() {
    let mut host = before_echo(&Scene::of(&cases()[0]));
    for (method, target) in [
        ("POST", "/any?q=1"),
        ("PUT", "/livez/"),
        ("GET", "/metrics"),
        ("DELETE", "/"),
    ] {
        let (seen, body) = seen(
            &mut host,
            method,
            target,
            &[("authorization", "Bearer theirs")],
        );
        let name = method[..1].to_owned() + &method[1..].to_lowercase();
        assert_eq!(seen, format!("Method::{name} {target} Bearer theirs"));
        assert_eq!(body, "a body");
    }
}

#[test]
fn the_operators_token_does_not_reach_the_application_and_others_do() {
    let mut host = before_echo(&Scene::of(&cases()[0]));
    let operators = operator::authorization();
    let token = ("authorization", operators.as_str());
    let theirs = ("authorization", "Basic dGhlaXI6cw==");
    for (headers, left) in [
        (vec![token], ""),
        (vec![theirs], theirs.1),
        (vec![token, theirs], theirs.1),
        (vec![theirs, token], theirs.1),
        (vec![], ""),
    ] {
        let (seen, body) = seen(&mut host, "POST", "/any?q=1", &headers);
        assert_eq!(seen, format!("Method::Post /any?q=1 {left}"), "{headers:?}");
        assert_eq!(body, "a body", "{headers:?}");
    }
}

#[test]
fn the_probes_routes_never_reach_the_application() {
    let mut host = before_echo(&Scene::of(&cases()[0]));
    for target in ["/livez", "/readyz?verbose", "/healthz?fresh=1"] {
        assert_eq!(seen(&mut host, "GET", target, &[]).0, "nothing", "{target}");
        // Nor does what they refuse.
        assert_eq!(
            seen(&mut host, "POST", target, &[]).0,
            "nothing",
            "{target}"
        );
    }
}
