//! Entra's token endpoint, as a workload identity meets it: the client credentials grant with a
//! federated assertion, over TLS.

use crate::certificates::Chain;
use crate::identity::json;
use crate::listener::{Listener, acceptor};
use crate::token::{self, Token};
use anyhow::{Context as _, Result, anyhow};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use tiny_http::{Method, Request, Server};
use tokio::net::TcpStream;

/// What a registered application looks like to Entra.
#[derive(Clone)]
pub struct Registration {
    /// The tenant.
    pub tenant_id: String,
    /// The application.
    pub client_id: String,
    /// The file with the assertion that is accepted, as the cluster rotates it.
    pub assertion_file: PathBuf,
    /// Issues a token for it.
    pub issue: Arc<dyn Fn() -> Token + Send + Sync>,
}

/// An endpoint that runs; stopped when dropped.
pub struct TokenEndpoint {
    server: Arc<Server>,
    thread: Option<JoinHandle<()>>,
    tls: Listener,
}

impl TokenEndpoint {
    /// Starts an endpoint on any port of loopback, with this certificate.
    pub fn start(registration: Registration, chain: &Chain) -> Result<Self> {
        let server = Server::http("127.0.0.1:0").map_err(|error| anyhow!(error))?;
        let server = Arc::new(server);
        let thread = {
            let server = Arc::clone(&server);
            std::thread::spawn(move || {
                for request in server.incoming_requests() {
                    answer(request, &registration);
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
            thread: Some(thread),
            tls,
        })
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

fn answer(mut request: Request, registration: &Registration) {
    let mut form = String::new();
    let readable = request.as_reader().read_to_string(&mut form).is_ok();
    let (status, body) = match refusal(&request, &form, registration) {
        _ if !readable => (400, error("invalid_request", 900_144)),
        Some(refused) => refused,
        None => (200, token_response(&(registration.issue)())),
    };
    // A client that went away is no concern of the endpoint's.
    let _ = request.respond(json(status, body));
}

/// What the real endpoint refuses, with its codes
/// (<https://learn.microsoft.com/entra/identity-platform/reference-error-codes>).
fn refusal(request: &Request, form: &str, registration: &Registration) -> Option<(u16, String)> {
    let path = format!("/{}/oauth2/v2.0/token", registration.tenant_id);
    let assertion = read(&registration.assertion_file);
    let has = |name: &str, value: &str| {
        form.split('&')
            .any(|pair| pair == format!("{name}={value}"))
    };
    if *request.method() != Method::Post || request.url() != path {
        Some((404, error("invalid_tenant", 90_002)))
    } else if !has("client_id", &registration.client_id) {
        Some((400, error("unauthorized_client", 700_016)))
    } else if !has("grant_type", "client_credentials")
        || !has("scope", "https%3A%2F%2Fredis.azure.com%2F.default")
    {
        Some((400, error("invalid_scope", 70_011)))
    } else if !has("client_assertion", &assertion)
        || !form.contains("client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer")
    {
        Some((401, error("invalid_client", 700_213)))
    } else {
        None
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
