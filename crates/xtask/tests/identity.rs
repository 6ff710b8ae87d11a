//! `cargo xtask identity` with a fake `az` on PATH.

use cache_health_local_azure::token::{self, Token};
use cache_health_provider::ExposeSecret as _;
use cache_health_provider::config::{ManagedEndpoint, ManagedIdentity, RESOURCE, Which};
use cache_health_provider::identity::judge;
use cache_health_provider::managed_identity;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Output, Stdio};
use tempfile::TempDir;

/// A folder with an `az` in it that does this.
fn az(script: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("az");
    std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).expect("written");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("allowed");
    folder
}

/// An `az` that is logged in, and insists on what the real one needs.
fn logged_in(token: &Token) -> TempDir {
    az(&format!(
        r#"[ "$*" = "account get-access-token --resource https://redis.azure.com --output json" ] || exit 2
echo '{{"accessToken":"{}","expiresOn":"2026-11-25 10:00:00.000000","expires_on":{},"tokenType":"Bearer"}}'"#,
        token.text, token.expires_at
    ))
}

fn command(path: &TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command
        .arg("identity")
        .env("PATH", format!("{}:/usr/bin:/bin", path.path().display()));
    command
}

/// A run that serves; killed when dropped.
struct Serving {
    process: Child,
    url: String,
    header: String,
    printed: String,
}

impl Serving {
    fn start(path: &TempDir) -> Self {
        let mut process = command(path)
            .stdout(Stdio::piped())
            .spawn()
            .expect("xtask runs");
        let stdout = BufReader::new(process.stdout.take().expect("piped"));
        let lines = stdout.lines().map_while(Result::ok).take(4);
        let printed: Vec<String> = lines.collect();
        let value = |name: &str| {
            let line = printed.iter().find(|line| line.contains(name));
            let rest = line.and_then(|line| line.split(&format!(" {name}='")).nth(1));
            let value = rest.and_then(|rest| rest.split('\'').next());
            value
                .unwrap_or_else(|| panic!("no {name} in {printed:?}"))
                .to_owned()
        };
        Self {
            process,
            url: value("IDENTITY_ENDPOINT"),
            header: value("IDENTITY_HEADER"),
            printed: printed.join("\n"),
        }
    }

    fn ask(&self, header: &str) -> (u16, Vec<u8>) {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .build()
            .into();
        let identity = ManagedIdentity {
            endpoint: ManagedEndpoint::AppService {
                uri: self.url.parse().expect("a URL"),
                header: header.into(),
            },
            which: Which::Default,
        };
        // The request that the program makes.
        let asked = managed_identity::request(&identity, RESOURCE);
        let authority = identity.uri().authority().expect("one").as_str();
        let mut response = agent
            .get(format!("http://{authority}{}", asked.target))
            .header(asked.header, asked.value.expose_secret())
            .call()
            .expect("an answer");
        let body = response.body_mut().read_to_vec().expect("a body");
        (response.status().as_u16(), body)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn fails(path: &TempDir) -> String {
    let Output { status, stderr, .. } = command(path).output().expect("xtask runs");
    assert_eq!(status.code(), Some(1));
    String::from_utf8(stderr).expect("UTF-8")
}

#[test]
fn a_developers_login_is_handed_out_as_the_protocol_says_and_never_printed() {
    let minted = Token::mint(&token::object_id(), 3600);
    let az = logged_in(&minted);
    let serving = Serving::start(&az);
    let (status, body) = serving.ask(&serving.header);
    let token = judge(status, &body, token::now()).expect("a token");
    assert_eq!(token.object_id, minted.object_id);
    assert_eq!(token.expires_at, minted.expires_at);
    assert_eq!(token.secret.expose_secret(), minted.text);
    assert!(!serving.printed.contains(&minted.text));
    assert!(serving.printed.contains("SPIN_VARIABLE_IDENTITY_ENDPOINT"));
}

#[test]
fn who_does_not_know_the_header_gets_no_token() {
    let az = logged_in(&Token::mint(&token::object_id(), 3600));
    let serving = Serving::start(&az);
    assert_eq!(serving.ask("guessed").0, 401);
}

#[test]
fn who_is_not_logged_in_hears_it_at_once() {
    let az = az("echo 'Please run az login' >&2; exit 1");
    let said = fails(&az);
    assert!(said.contains("is `az login` done?"), "{said}");
    assert!(said.contains("Please run az login"), "{said}");
}

#[test]
fn without_az_it_says_what_to_install() {
    let said = fails(&tempfile::tempdir().expect("a folder"));
    assert!(said.contains("install the Azure CLI"), "{said}");
}

#[test]
fn a_token_without_an_object_id_is_refused() {
    let text = token::jwt(r#"{"exp":99999999999}"#);
    let az = az(&format!(r#"echo '{{"accessToken":"{text}"}}'"#));
    assert!(fails(&az).contains("oid"));
}
