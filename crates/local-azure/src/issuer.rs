//! Entra's token endpoint over TLS: the client credentials grant, with what the application registered.

use crate::assertion::{self, Wanted};
use crate::certificates::Chain;
use crate::identity::json;
use crate::listener::{Listener, acceptor};
use crate::token::{self, Token};
use anyhow::{Context as _, Result, anyhow};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use tiny_http::{Method, Request, Server};
use tokio::net::TcpStream;

/// The type of an assertion (RFC 7523, section 2.2).
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What a registered application looks like to Entra.
#[derive(Clone)]
pub struct Registration {
    /// The tenant.
    pub tenant_id: String,
    /// The application.
    pub client_id: String,
    /// What proves that it is the application.
    pub proof: Proof,
    /// Issues a token for it.
    pub issue: Arc<dyn Fn() -> Token + Send + Sync>,
}

/// What an application proves itself with.
#[derive(Clone)]
pub enum Proof {
    /// A federated assertion: what is in this file at the time, as the cluster rotates it.
    Assertion(PathBuf),
    /// A client secret.
    Secret(String),
    /// A certificate (DER), whose key signs an assertion.
    Certificate(Vec<u8>),
}

/// What the endpoint knows, and whether it works.
struct State {
    registration: Registration,
    /// The status of every answer, while there is an outage.
    outage: Option<u16>,
}

/// An endpoint that runs; stopped when dropped.
pub struct TokenEndpoint {
    server: Arc<Server>,
    state: Arc<Mutex<State>>,
    thread: Option<JoinHandle<()>>,
    tls: Listener,
}

impl TokenEndpoint {
    /// Starts an endpoint on any port of loopback, with this certificate.
    pub fn start(registration: Registration, chain: &Chain) -> Result<Self> {
        let server = Server::http("127.0.0.1:0").map_err(|error| anyhow!(error))?;
        let server = Arc::new(server);
        let state = Arc::new(Mutex::new(State {
            registration,
            outage: None,
        }));
        let thread = {
            let (server, state) = (Arc::clone(&server), Arc::clone(&state));
            std::thread::spawn(move || {
                for request in server.incoming_requests() {
                    let state = state.lock().unwrap_or_else(PoisonError::into_inner);
                    answer(request, &state);
                }
            })
        };
        let (acceptor, plain) = (acceptor(chain)?, server.server_addr().to_ip());
        let plain = plain.context("a server without an address")?;
        let tls = Listener::start(0, move |stream| {
            let acceptor = acceptor.clone();
            Box::pin(async move {
                let mut client = acceptor.accept(stream).await?;
                let mut server = TcpStream::connect(plain).await?;
                tokio::io::copy_bidirectional(&mut client, &mut server).await?;
                Ok(())
            })
        })?;
        Ok(Self {
            server,
            state,
            thread: Some(thread),
            tls,
        })
    }

    /// Answers everything with this status from now on; none: works again.
    pub fn outage(&self, status: Option<u16>) {
        self.lock().outage = status;
    }

    /// The application proves itself with this from now on.
    pub fn register(&self, proof: Proof) {
        self.lock().registration.proof = proof;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where it is without TLS, for clients that are about the request alone.
    pub fn plain(&self) -> String {
        format!("http://{}/", self.server.server_addr())
    }

    /// What the app finds in `AZURE_AUTHORITY_HOST`.
    pub fn authority(&self) -> String {
        format!("https://localhost:{}/", self.tls.address().port())
    }
}

impl Drop for TokenEndpoint {
    fn drop(&mut self) {
        self.server.unblock();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn answer(mut request: Request, state: &State) {
    let registration = &state.registration;
    let mut form = String::new();
    let readable = request.as_reader().read_to_string(&mut form).is_ok();
    let form: Vec<(String, String)> = form_urlencoded::parse(form.as_bytes())
        .into_owned()
        .collect();
    let (status, body) = match refusal(&request, &form, registration) {
        _ if !readable => (400, error("invalid_request", 900_144)),
        _ if state.outage.is_some() => {
            let status = state.outage.unwrap_or_default();
            (status, error("temporarily_unavailable", 90_033))
        }
        _ if *request.method() == Method::Get => discovery(&request, registration),
        Some(refused) => refused,
        None => (200, token_response(&(registration.issue)())),
    };
    // A client that went away is no concern of the endpoint's.
    let _ = request.respond(json(status, body));
}

/// What MSAL, which Microsoft's clients in Python stand on, asks before it asks for a token (OpenID Connect Discovery 1.0).
fn discovery(request: &Request, registration: &Registration) -> (u16, String) {
    let host = request
        .headers()
        .iter()
        .find(|header| header.field.equiv("Host"))
        .map_or("localhost", |header| header.value.as_str());
    let tenant = format!("https://{host}/{}", registration.tenant_id);
    let path = format!(
        "/{}/v2.0/.well-known/openid-configuration",
        registration.tenant_id
    );
    if request.url() != path {
        return (404, error("invalid_tenant", 90_002));
    }
    let body = format!(
        r#"{{"token_endpoint":"{tenant}/oauth2/v2.0/token","authorization_endpoint":"{tenant}/oauth2/v2.0/authorize","issuer":"{tenant}/v2.0"}}"#
    );
    (200, body)
}

/// What the real endpoint refuses, with its codes
/// (<https://learn.microsoft.com/entra/identity-platform/reference-error-codes>).
fn refusal(
    request: &Request,
    form: &[(String, String)],
    registration: &Registration,
) -> Option<(u16, String)> {
    let path = format!("/{}/oauth2/v2.0/token", registration.tenant_id);
    let get = |name: &str| {
        let mut found = form.iter().filter(|(known, _)| known == name);
        found.next().map(|(_, value)| value.as_str())
    };
    if *request.method() != Method::Post || request.url() != path {
        return Some((404, error("invalid_tenant", 90_002)));
    }
    if get("client_id") != Some(&registration.client_id) {
        return Some((400, error("unauthorized_client", 700_016)));
    }
    let granted = get("grant_type") == Some("client_credentials");
    if !granted || get("scope") != Some("https://redis.azure.com/.default") {
        return Some((400, error("invalid_scope", 70_011)));
    }
    match &registration.proof {
        Proof::Assertion(file) => {
            let is_assertion = get("client_assertion_type") == Some(JWT_BEARER);
            let right = get("client_assertion") == Some(&read(file));
            (!is_assertion || !right).then(|| (401, error("invalid_client", 700_213)))
        }
        Proof::Certificate(certificate) => {
            let is_assertion = get("client_assertion_type") == Some(JWT_BEARER);
            let host = request
                .headers()
                .iter()
                .find(|header| header.field.equiv("Host"));
            let host = host.map_or("localhost", |header| header.value.as_str());
            let wanted = Wanted {
                audience: format!("https://{host}{path}"),
                client_id: &registration.client_id,
                certificate,
            };
            match assertion::judge(get("client_assertion").unwrap_or_default(), &wanted) {
                Ok(()) if is_assertion => None,
                Ok(()) => Some((401, error("invalid_client", 700_211))),
                Err(code) => Some((401, error("invalid_client", code))),
            }
        }
        Proof::Secret(secret) => (get("client_secret") != Some(secret))
            .then(|| (401, error("invalid_client", 7_000_215))),
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path)
        .unwrap_or_default()
        .trim()
        .to_owned()
}

fn error(error: &str, code: u32) -> String {
    format!(
        r#"{{"error":"{error}","error_description":"AADSTS{code}: refused","error_codes":[{code}]}}"#
    )
}

fn token_response(token: &Token) -> String {
    let life = token.expires_at.saturating_sub(token::now());
    format!(
        r#"{{"token_type":"Bearer","expires_in":{life},"ext_expires_in":{life},"access_token":"{}"}}"#,
        token.text
    )
}
