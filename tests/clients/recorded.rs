//! Every request that `DefaultAzureCredential` of .NET was recorded to make (`tests/vectors/`), made again.

use cache_health_local_azure::certificates::{Authority, Leaf};
use cache_health_local_azure::identity::{Behaviour, IdentityEndpoint, Platform};
use cache_health_local_azure::issuer::{Proof, Registration, TokenEndpoint};
use cache_health_local_azure::token::{self, Token};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// What the stand-ins are not: platforms that nothing here speaks to.
const NOT_MEANT: [&str; 2] = ["MSI_ENDPOINT alone (Cloud Shell)", "service fabric"];
/// What the recorded file of a workload identity held.
const ASSERTION: &str = "<file's text>";

#[derive(Deserialize)]
struct Case {
    case: String,
    outcome: String,
    requests: Vec<Recorded>,
}

#[derive(Deserialize)]
struct Recorded {
    to: String,
    request: String,
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: String,
}

fn cases() -> Vec<Case> {
    let text = include_str!("../vectors/azure-identity-requests.jsonl");
    let lines = text.lines().map(serde_json::from_str::<Case>);
    let cases: Vec<Case> = lines.collect::<Result<_, _>>().expect("JSON lines");
    assert_eq!(cases.len(), 32, "the file is whole");
    cases
}

/// The answer to a recorded request.
fn ask(agent: &ureq::Agent, base: &str, recorded: &Recorded) -> ureq::http::Response<ureq::Body> {
    let (method, target) = recorded.request.split_once(' ').expect("a request line");
    let mut request = ureq::http::Request::builder()
        .method(method)
        .uri(format!("{base}{target}"));
    for (name, value) in &recorded.headers {
        request = request.header(name, value);
    }
    let request = request.body(recorded.body.clone()).expect("a request");
    agent.run(request).expect("an answer")
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .build()
        .into()
}

fn endpoint(platform: Platform) -> IdentityEndpoint {
    let behaviour = Behaviour::Token(Token::mint(&token::object_id(), 3600));
    IdentityEndpoint::start_as(0, platform, behaviour).expect("an endpoint")
}

#[test]
fn recorded_requests_get_what_they_got() {
    let challenges = tempfile::tempdir().expect("a folder");
    let header = "h".to_owned();
    let app_service = endpoint(Platform::AppService { header });
    let imds = endpoint(Platform::Imds);
    let arc = endpoint(Platform::Arc {
        challenges: challenges.path().to_owned(),
        named: challenges.path().to_owned(),
    });
    let mut asked = 0;
    for case in cases() {
        if NOT_MEANT.contains(&&*case.case) {
            continue;
        }
        for recorded in &case.requests {
            let endpoint = match recorded.to.as_str() {
                "endpoint" => &app_service,
                "imds" => &imds,
                "arc" => &arc,
                "entra" => continue,
                other => panic!("{other} is nobody"),
            };
            let base = format!("http://127.0.0.1:{}", endpoint.port());
            let status = ask(&agent(), &base, recorded).status().as_u16();
            // A probe of IMDS has no header, and an answer of any kind says that somebody is there.
            let probe = recorded.to == "imds" && recorded.headers.is_empty();
            // Arc wants what is in the file that its first answer names; the recorded answer was of another file.
            let expected = match recorded.to.as_str() {
                "arc" => 401,
                _ if probe => 400,
                _ => 200,
            };
            assert_eq!(status, expected, "{}: {}", case.case, recorded.request);
            asked += 1;
        }
    }
    assert!(asked > 15, "{asked}");
}

#[test]
fn an_arc_server_gives_a_token_for_what_is_in_its_challenge() {
    let challenges = tempfile::tempdir().expect("a folder");
    let arc = endpoint(Platform::Arc {
        challenges: challenges.path().to_owned(),
        named: challenges.path().to_owned(),
    });
    let case = cases().into_iter().find(|case| case.case == "arc");
    let mut requests = case.expect("recorded").requests;
    let base = format!("http://127.0.0.1:{}", arc.port());
    let challenge = ask(&agent(), &base, &requests[0]);
    assert_eq!(challenge.status(), 401);
    let named = challenge.headers()["www-authenticate"]
        .to_str()
        .expect("ASCII");
    let file = named.strip_prefix("Basic realm=").expect("a file");
    assert!(Path::new(file).starts_with(challenges.path()), "{file}");
    let secret = std::fs::read_to_string(file).expect("the challenge");
    requests[1]
        .headers
        .insert("Authorization".to_owned(), format!("Basic {secret}"));
    assert_eq!(ask(&agent(), &base, &requests[1]).status(), 200);
}

#[test]
fn the_token_endpoint_takes_a_recorded_secret_and_a_recorded_assertion() {
    let authority = Authority::new("test CA").expect("a CA");
    let chain = authority.issue(&Leaf::default()).expect("a certificate");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("assertion");
    std::fs::write(&file, ASSERTION).expect("written");
    let mut asked = 0;
    for case in cases() {
        let to_entra = |recorded: &&Recorded| recorded.to == "entra";
        let Some(recorded) = case.requests.iter().find(to_entra) else {
            continue;
        };
        if NOT_MEANT.contains(&&*case.case) {
            continue;
        }
        assert_eq!(case.outcome, "token", "{}", case.case);
        let proof = if recorded.body.contains("client_secret") {
            Proof::Secret("s".to_owned())
        } else {
            Proof::Assertion(file.clone())
        };
        let registration = Registration {
            tenant_id: "t".to_owned(),
            client_id: "c1".to_owned(),
            proof,
            issue: Arc::new(|| Token::mint(&token::object_id(), 3600)),
        };
        let endpoint = TokenEndpoint::start(registration, &chain).expect("an endpoint");
        let answer = ask(&agent(), endpoint.plain().trim_end_matches('/'), recorded);
        assert_eq!(answer.status(), 200, "{}", case.case);
        asked += 1;
    }
    assert!(asked >= 4, "{asked}");
}
