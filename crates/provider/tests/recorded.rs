//! What Microsoft's own libraries were recorded to do (`tests/vectors/README.md`), line by line: the same requests for the
//! same environment, the same answers taken. Where we differ on purpose, the table says why.

use cache_health_provider::client_credentials::{Proved, form, path};
use cache_health_provider::config::{Config, Identity, KeySource, NotText, Proof, Variables};
use cache_health_provider::developer_tool::DeveloperTool;
use cache_health_provider::identity::judge;
use cache_health_provider::{ExposeSecret as _, managed_identity, schedule};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};

#[derive(Deserialize)]
struct Case {
    case: String,
    environment: BTreeMap<String, String>,
    #[serde(default, rename = "asked for")]
    asked_for: BTreeMap<String, String>,
    requests: Vec<Request>,
    az: Option<String>,
}

#[derive(Deserialize)]
struct Request {
    to: String,
    request: String,
    #[serde(default)]
    body: Value,
}

/// A machine with the recorded environment.
struct Machine {
    variables: HashMap<String, String>,
    has_az: bool,
}

impl Machine {
    fn of(case: &Case) -> Self {
        let asked = |name: &str| match name {
            "T_RESOURCE_ID" => "AZURE_RESOURCE_ID",
            "T_OBJECT_ID" => "AZURE_OBJECT_ID",
            other => panic!("{other} is not known"),
        };
        let asked_for = case.asked_for.iter();
        let asked_for = asked_for.map(|(name, value)| (asked(name).to_owned(), value.clone()));
        let recorded = case.environment.clone().into_iter().chain(asked_for);
        let mut variables: HashMap<_, _> = recorded
            .map(|(name, value)| {
                let value = value
                    .replace("<endpoint>", "localhost:1")
                    .replace("<arc>", "localhost:2")
                    .replace("<entra>", "localhost:3")
                    .replace("<file>", "/file");
                (name, value)
            })
            .collect();
        variables.insert("REDIS_HOST".to_owned(), "c.example".to_owned());
        Self {
            variables,
            has_az: case.az.is_some(),
        }
    }
}

impl Variables for Machine {
    fn get(&self, name: &str) -> Result<Option<String>, NotText> {
        Ok(self.variables.get(name).cloned())
    }

    fn has_program(&self, name: &str) -> bool {
        name == "az" && self.has_az
    }

    fn has_imds(&self) -> bool {
        true
    }
}

/// What differs, and why.
const DIFFERS: [(&str, &str); 11] = [
    (
        "MSI_ENDPOINT alone (Cloud Shell)",
        "not a platform that apps run on",
    ),
    (
        "MSI_ENDPOINT and MSI_SECRET",
        "the protocol of 2017, which Azure has replaced: IMDS is asked",
    ),
    ("service fabric", "not supported, and named as such"),
    (
        "endpoint without header",
        "half an identity is an error that names the missing half, and not a guess",
    ),
    ("header without endpoint", "the same"),
    (
        "workload identity without its file, and managed identity",
        "a file that is missing does not stop the chain: a warning names it",
    ),
    (
        "regional authority",
        "the variable is not read: Entra's global endpoint serves every region",
    ),
    (
        "username and password",
        "Entra no longer takes them without a second factor, so they are not read",
    ),
    (
        "AKS token proxy",
        "asked where AKS sets it; Azure.Identity wants that said in code",
    ),
    (
        "authority without a scheme",
        "the same error, as a warning where IMDS is left to be asked",
    ),
    ("authority over http", "the same"),
];

fn cases() -> Vec<Case> {
    let texts = [
        include_str!("../../../tests/vectors/azure-identity-requests.jsonl"),
        include_str!("../../../tests/vectors/azure-identity-certificates.jsonl"),
    ];
    let lines = texts.iter().flat_map(|text| text.lines());
    let cases: Vec<Case> = lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(cases.len(), 32 + 18, "the files are whole");
    cases
}

/// The names and values of a query or a form, in any order.
fn pairs(text: &str) -> BTreeSet<(String, String)> {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let split = text.split('&').filter_map(|pair| pair.split_once('='));
    split
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect()
}

/// The request that is made for an identity: to whom, the line, and the names in its body.
fn made(identity: &Identity, resource: &str) -> (&'static str, String, BTreeSet<String>) {
    match identity {
        Identity::Managed(managed) => {
            let to = match managed.uri().port_u16() {
                Some(1) => "endpoint",
                Some(2) => "arc",
                _ => "imds",
            };
            let target = managed_identity::request(managed, resource).target;
            (to, format!("GET {target}"), BTreeSet::new())
        }
        Identity::Application(application, proof) => {
            let proved = match proof {
                Proof::Secret(KeySource::Value(secret)) => Proved::Secret(secret.clone()),
                _ => Proved::Assertion("…".into()),
            };
            let form = form(application, resource, &proved);
            let names = pairs(form.expose_secret())
                .into_iter()
                .map(|(name, _)| name);
            (
                "entra",
                format!("POST {}", path(application)),
                names.collect(),
            )
        }
        Identity::Tool(_) => ("tool", String::new(), BTreeSet::new()),
    }
}

/// The names in a recorded body.
fn names(body: &Value) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = match body {
        Value::Object(body) => body.keys().cloned().collect(),
        Value::String(body) => pairs(body).into_iter().map(|(name, _)| name).collect(),
        _ => BTreeSet::new(),
    };
    // MSAL's wish for an id of the user, which an application has none of.
    names.remove("client_info");
    names
}

#[test]
fn the_first_request_is_the_one_that_default_azure_credential_makes() {
    for case in cases() {
        if DIFFERS.iter().any(|(name, _)| *name == case.case) {
            continue;
        }
        let config = Config::from_variables(&Machine::of(&case));
        // A certificate that cannot be loaded makes no request; what it holds is found out later here.
        let loads =
            !case.case.starts_with("certificate") || case.requests.iter().any(|r| r.to == "entra");
        let Some(recorded) = case.requests.first().filter(|_| loads) else {
            let asks = |config: Config| config.identities.iter().any(|i| made(i, "").0 != "entra");
            assert!(config.map_or(true, |config| !asks(config)), "{}", case.case);
            continue;
        };
        let config = config.unwrap_or_else(|error| panic!("{}: {error}", case.case));
        let (to, line, body) = made(&config.identities[0], &config.resource);
        let expected = match recorded.to.as_str() {
            // It is at this address that IMDS was looked for.
            "endpoint" if recorded.request.contains("/metadata/") => "endpoint",
            other => other,
        };
        assert_eq!(to, expected, "{}", case.case);
        let (path, query) = line.split_once('?').unwrap_or((&line, ""));
        let (their_path, their_query) = recorded
            .request
            .split_once('?')
            .unwrap_or((&recorded.request, ""));
        assert_eq!(path, their_path, "{}", case.case);
        assert_eq!(pairs(query), pairs(their_query), "{}", case.case);
        assert_eq!(body, names(&recorded.body), "{}", case.case);
    }
}

#[test]
fn after_imds_the_azure_cli_is_asked_in_its_own_words() {
    let case = cases()
        .into_iter()
        .find(|case| case.az.is_some())
        .expect("recorded");
    let config = Config::from_variables(&Machine::of(&case)).expect("usable");
    let Identity::Tool(tool @ DeveloperTool::AzureCli) = config.identities[1] else {
        panic!("{:?}", config.identities);
    };
    assert_eq!(Some(tool.arguments(&config.resource).join(" ")), case.az);
}

#[derive(Deserialize)]
struct Answer {
    answer: String,
    http: u16,
    outcome: String,
    requests: u32,
}

const NOW: i64 = 1_795_597_200;

/// The body of a recorded answer, by its name. The token in it ends in an hour.
fn body(name: &str) -> String {
    use base64::Engine as _;
    let claims = format!(r#"{{"oid":"o","exp":{}}}"#, NOW + 3600);
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims);
    let token = format!("e30.{claims}.c2ln");
    let end = NOW + 3600;
    let with =
        |rest: String| format!(r#"{{"access_token":"{token}",{rest}"token_type":"Bearer"}}"#);
    match name {
        "expires_on, string of seconds" => with(format!(r#""expires_on":"{end}","#)),
        "expires_on, number" => with(format!(r#""expires_on":{end},"#)),
        "expires_on, ISO 8601" => with(r#""expires_on":"2026-11-25T10:00:00Z","#.into()),
        "expires_on, US date" => with(r#""expires_on":"11/25/2026 10:00:00 AM +00:00","#.into()),
        "expires_on, float in a string" => with(format!(r#""expires_on":"{end}.5","#)),
        "expires_in only, string" => with(r#""expires_in":"3600","#.into()),
        "expires_in only, number" => with(r#""expires_in":3600,"#.into()),
        "no expiry at all" => with(String::new()),
        "expires_on empty" => with(r#""expires_on":"","#.into()),
        "expires_on in the past" => with(format!(r#""expires_on":"{}","#, NOW - 60)),
        "expires_on zero" => with(r#""expires_on":"0","#.into()),
        "expires_on words" => with(r#""expires_on":"soon","#.into()),
        "members in capitals" => format!(r#"{{"ACCESS_TOKEN":"{token}","EXPIRES_ON":"{end}"}}"#),
        "accessToken, expiresOn" => format!(r#"{{"accessToken":"{token}","expiresOn":"{end}"}}"#),
        "no access_token" => format!(r#"{{"expires_on":"{end}"}}"#),
        "access_token empty" => format!(r#"{{"access_token":"","expires_on":"{end}"}}"#),
        "a list" => "[]".into(),
        "empty body" => String::new(),
        "html" => "<html></html>".into(),
        "refresh_in 60" => with(format!(r#""expires_on":"{end}","refresh_in":60,"#)),
        _ => r#"{"error":"e","message":"m"}"#.into(),
    }
}

/// Answers with a token that Azure.Identity refuses and we take, or the other way round, and why.
const ANSWERS_DIFFER: [(&str, &str); 5] = [
    (
        "expires_on, float in a string",
        "the token itself says when it ends",
    ),
    ("no expiry at all", "the same"),
    ("expires_on empty", "the same"),
    ("expires_on words", "the same"),
    (
        "expires_on in the past",
        "a token that has ended is no token, and not one of sixty years",
    ),
];

fn answers() -> Vec<Answer> {
    let text = include_str!("../../../tests/vectors/token-answers.jsonl");
    let answers: Vec<Answer> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(answers.len(), 28, "the file is whole");
    answers
}

#[test]
fn the_answers_that_azure_identity_takes_are_taken() {
    for answer in answers() {
        let taken = judge(answer.http, body(&answer.answer).as_bytes(), NOW).is_ok();
        let differs = ANSWERS_DIFFER
            .iter()
            .any(|(name, _)| *name == answer.answer);
        assert_eq!(
            taken != differs,
            answer.outcome == "token",
            "{}",
            answer.answer
        );
    }
}

/// What Azure.Identity repeats and we do not.
const NOT_REPEATED: [(&str, &str); 2] = [
    (
        "404 IMDS form",
        "an identity that is not there is the configuration's fault, and is said at once",
    ),
    (
        "410",
        "IMDS being updated is over in a minute: the next sample asks again",
    ),
];

#[test]
fn the_answers_that_azure_identity_repeats_are_repeated() {
    for answer in answers() {
        let repeated = match judge(answer.http, body(&answer.answer).as_bytes(), NOW) {
            Ok(_) => false,
            Err(failure) => schedule::is_worth_a_retry(&failure),
        };
        let differs = NOT_REPEATED.iter().any(|(name, _)| *name == answer.answer);
        assert_eq!(
            repeated != differs,
            answer.requests > 1,
            "{}",
            answer.answer
        );
    }
}
