//! The probe protocol is one: the standalone host and the Spin composition answer the same requests alike.

use crate::fixtures::server::Server;
use crate::fixtures::spin_host::{Application, SpinHost, runtime};
use crate::fixtures::{Azure, Check};
use bytes::Bytes;
use cache_health_report::Status;
use http::{Method, Request, Response};
use std::path::PathBuf;

/// What a body has to be.
enum Body {
    Is(&'static str),
    /// A line of it.
    Says(&'static str),
    Document(Status),
}

/// A request, and what everybody answers.
struct Case {
    method: Method,
    path: &'static str,
    body: &'static str,
    status: u16,
    answer: Body,
}

fn get(path: &'static str, status: u16, answer: Body) -> Case {
    Case {
        method: Method::GET,
        path,
        body: "",
        status,
        answer,
    }
}

/// What is the same whatever the verdict is.
fn always() -> Vec<Case> {
    let unread = get("/livez", 413, Body::Is("no route takes a body\n"));
    let posted = get("/healthz", 405, Body::Is("only GET and HEAD\n"));
    vec![
        get("/livez", 200, Body::Is("ok\n")),
        get("/livez?fresh=1", 200, Body::Is("ok\n")),
        get("/nothing", 404, Body::Is("no such route; try /healthz\n")),
        get("/Livez", 404, Body::Is("no such route; try /healthz\n")),
        Case {
            method: Method::POST,
            ..posted
        },
        Case {
            body: "a body",
            ..unread
        },
    ]
}

/// Of a cache that can be used.
fn passing() -> Vec<Case> {
    vec![
        get("/readyz", 200, Body::Is("ok\n")),
        get("/readyz?verbose=0", 200, Body::Is("ok\n")),
        get("/readyz?verbose", 200, Body::Says("[+]redis:get ok")),
        get("/readyz?x=y&verbose=1", 200, Body::Says("ok")),
        get("/healthz", 200, Body::Document(Status::Pass)),
        get("/healthz?fresh", 200, Body::Document(Status::Pass)),
        get("/healthz?fresh=1", 200, Body::Document(Status::Pass)),
        get("/healthz?new-connection", 200, Body::Document(Status::Pass)),
    ]
}

/// Of a cache whose key is another.
fn failing() -> Vec<Case> {
    let verbose = Body::Says("not ready: auth-rejected");
    vec![
        get("/readyz", 503, Body::Is("not ready: auth-rejected\n")),
        get("/readyz?verbose=1", 503, verbose),
        get("/healthz", 503, Body::Document(Status::Fail)),
        get("/healthz?fresh=1", 503, Body::Document(Status::Fail)),
    ]
}

fn judge(case: &Case, answer: &Response<Bytes>, host: &str) {
    let what = format!("{} {} on {host}", case.method, case.path);
    let text = String::from_utf8_lossy(answer.body());
    assert_eq!(answer.status(), case.status, "{what}: {text}");
    let header = |name: &str| {
        let value = answer.headers().get(name)?;
        value.to_str().ok()
    };
    assert_eq!(header("cache-control"), Some("no-store"), "{what}");
    let (media, allow) = match case.answer {
        Body::Document(_) => ("application/health+json", None),
        _ if case.status == 405 => ("text/plain; charset=utf-8", Some("GET, HEAD")),
        _ => ("text/plain; charset=utf-8", None),
    };
    assert_eq!(header("content-type"), Some(media), "{what}");
    assert_eq!(header("allow"), allow, "{what}");
    match case.answer {
        Body::Is(body) => assert_eq!(text, body, "{what}"),
        Body::Says(line) => assert!(text.lines().any(|l| l == line), "{what}: {text}"),
        Body::Document(status) => {
            assert_eq!(
                crate::fixtures::document::read(&text).status,
                status,
                "{what}"
            );
        }
    }
}

fn request(case: &Case) -> Request<Bytes> {
    Request::builder()
        .method(case.method.clone())
        .uri(case.path)
        .header("host", "localhost")
        .header("content-length", case.body.len())
        .body(Bytes::from_static(case.body.as_bytes()))
        .expect("a request")
}

fn standalone(check: Check, cases: &[Case]) {
    let server: Server = check.env("CACHE_HEALTH_FAILURES", "1").serve();
    // A machine that is busy may serve before its first sample has ended.
    server.wait_for("a first sample", |server| {
        let known = server.get("/readyz").body != "not ready: unknown\n";
        known.then_some(())
    });
    for case in cases {
        let answer = server.send(&request(case));
        judge(case, &answer, "the standalone host");
    }
}

fn on_spin(check: &Check, cases: &[Case]) {
    let environment = check.environment();
    let ca_file = PathBuf::from(&environment["REDIS_CA_FILE"]);
    let application = Application::of(environment, ca_file);
    runtime().block_on(async {
        let mut instance = SpinHost::new(application);
        for case in cases {
            let answers = instance.send(vec![request(case)]).await;
            judge(case, &answers[0], "Spin");
        }
    });
}

#[test]
fn both_hosts_answer_every_route_of_a_healthy_cache_alike() {
    let azure = Azure::start();
    let cases: Vec<Case> = always().into_iter().chain(passing()).collect();
    on_spin(&azure.check_key(), &cases);
    standalone(azure.check_key(), &cases);
}

#[test]
fn both_hosts_answer_every_route_of_a_broken_cache_alike() {
    let azure = Azure::start();
    let broken = || azure.check_key().env("REDIS_ACCESS_KEY", "another-key");
    let cases: Vec<Case> = always().into_iter().chain(failing()).collect();
    on_spin(&broken(), &cases);
    standalone(broken(), &cases);
}
