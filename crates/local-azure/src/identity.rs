//! The identity endpoint of Container Apps, with the faults it has been seen to have.

use crate::port;
use crate::token::Token;
use anyhow::{Result, anyhow};
use std::io::{Cursor, Read, Write as _};
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tiny_http::{Header, Request, Response, Server, StatusCode};

/// The path that Container Apps uses.
const PATH: &str = "/msi/token";
/// The query a request for a Redis token has to have.
const RESOURCE: &str = "resource=https%3A%2F%2Fredis.azure.com";
const API_VERSION: &str = "api-version=2019-08-01";
/// The pause between two bytes of a slow body.
const SLOW_BYTE: Duration = Duration::from_millis(100);
/// How long a request is held that is never to be answered.
const HELD: Duration = Duration::from_secs(60);

/// How the endpoint answers a request that follows the protocol.
#[derive(Clone, Debug)]
pub enum Behaviour {
    /// With this token.
    Token(Token),
    /// With what this makes up each time.
    Made(Made),
    /// With this status and body, and these further headers.
    Raw(u16, String, Vec<(&'static str, String)>),
    /// With this token, after this long.
    Late(Duration, Token),
    /// Not at all.
    Hang,
    /// With this token, one byte at a time.
    Slow(Token),
    /// By closing the connection.
    Close,
}

/// Makes up an answer: a status and a body.
#[derive(Clone)]
pub struct Made(Arc<dyn Fn() -> (u16, String) + Send + Sync>);

impl std::fmt::Debug for Made {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Made")
    }
}

impl Behaviour {
    /// A new answer each time: a status and a body.
    pub fn made(make: impl Fn() -> (u16, String) + Send + Sync + 'static) -> Self {
        Self::Made(Made(Arc::new(make)))
    }

    /// A new token each time.
    pub fn issue(make: impl Fn() -> Token + Send + Sync + 'static) -> Self {
        Self::made(move || (200, token_response(&make())))
    }

    /// An error as Container Apps words it.
    pub fn status(status: u16) -> Self {
        let body = format!(
            r#"{{"statusCode":{status},"message":"An unexpected error occured while fetching the AAD Token.","correlationId":"0"}}"#
        );
        Self::Raw(status, body, Vec::new())
    }

    /// 200 with this body.
    pub fn body(body: impl Into<String>) -> Self {
        Self::Raw(200, body.into(), Vec::new())
    }
}

/// An endpoint that runs; stopped when dropped.
pub struct IdentityEndpoint {
    server: Arc<Server>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    /// What the app finds in `IDENTITY_HEADER`.
    pub header: String,
}

struct Shared {
    behaviour: Mutex<Behaviour>,
    requests: AtomicU64,
    header: String,
}

impl IdentityEndpoint {
    /// Starts an endpoint on any port of loopback.
    pub fn start(behaviour: Behaviour) -> Result<Self> {
        Self::start_on(0, behaviour)
    }

    /// Starts an endpoint on this port of loopback.
    pub fn start_on(port: u16, behaviour: Behaviour) -> Result<Self> {
        Self::start_as(port, format!("{:032x}", fastrand::u128(..)), behaviour)
    }

    /// Starts an endpoint on this port of loopback that knows this header.
    pub fn start_as(port: u16, header: String, behaviour: Behaviour) -> Result<Self> {
        let server = port::take_again(|| {
            Server::http((Ipv4Addr::LOCALHOST, port)).map_err(|error| anyhow!(error))
        })?;
        let server = Arc::new(server);
        let shared = Arc::new(Shared {
            behaviour: Mutex::new(behaviour),
            requests: AtomicU64::new(0),
            header: header.clone(),
        });
        let thread = {
            let (server, shared) = (Arc::clone(&server), Arc::clone(&shared));
            std::thread::spawn(move || {
                for request in server.incoming_requests() {
                    let shared = Arc::clone(&shared);
                    // One that hangs must not keep the others waiting.
                    std::thread::spawn(move || answer(request, &shared));
                }
            })
        };
        Ok(Self {
            server,
            shared,
            thread: Some(thread),
            header,
        })
    }

    /// What the app finds in `IDENTITY_ENDPOINT`.
    pub fn url(&self) -> String {
        format!("http://{}{PATH}", self.server.server_addr())
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.server
            .server_addr()
            .to_ip()
            .map_or(0, |address| address.port())
    }

    /// Answers differently from now on.
    pub fn behave(&self, behaviour: Behaviour) {
        *self
            .shared
            .behaviour
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = behaviour;
    }

    /// How many requests there were.
    pub fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::SeqCst)
    }
}

impl Drop for IdentityEndpoint {
    fn drop(&mut self) {
        self.server.unblock();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn answer(request: Request, shared: &Shared) {
    shared.requests.fetch_add(1, Ordering::SeqCst);
    let behaviour = match refusal(&request, shared) {
        Some((status, text)) => Behaviour::Raw(status, text.to_owned(), Vec::new()),
        None => shared
            .behaviour
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone(),
    };
    // A client that went away is no concern of the endpoint's.
    let _ = match behaviour {
        Behaviour::Token(token) => request.respond(json(200, token_response(&token))),
        Behaviour::Made(Made(make)) => {
            let (status, body) = make();
            request.respond(json(status, body))
        }
        Behaviour::Raw(status, body, headers) => {
            let mut response = json(status, body);
            for (name, value) in headers {
                response.add_header(header(name, &value));
            }
            request.respond(response)
        }
        Behaviour::Late(pause, token) => {
            std::thread::sleep(pause);
            request.respond(json(200, token_response(&token)))
        }
        Behaviour::Hang => {
            std::thread::sleep(HELD);
            Ok(())
        }
        Behaviour::Slow(token) => {
            let body = token_response(&token);
            let length = body.len();
            let slow = OneByte(Cursor::new(body.into_bytes()));
            request.respond(Response::new(
                StatusCode(200),
                vec![],
                slow,
                Some(length),
                None,
            ))
        }
        Behaviour::Close => request.into_writer().flush(),
    };
}

/// What the real endpoint refuses.
fn refusal(request: &Request, shared: &Shared) -> Option<(u16, &'static str)> {
    let (path, query) = request.url().split_once('?').unwrap_or((request.url(), ""));
    let has = |wanted: &str| query.split('&').any(|pair| pair == wanted);
    let header = request
        .headers()
        .iter()
        .find(|header| header.field.equiv("X-IDENTITY-HEADER"))
        .map(|header| header.value.as_str());
    if *request.method() != tiny_http::Method::Get {
        Some((405, "GET only"))
    } else if path != PATH {
        Some((404, "no such path"))
    } else if header != Some(shared.header.as_str()) {
        Some((401, "X-IDENTITY-HEADER is missing or wrong"))
    } else if !has(RESOURCE) || !has(API_VERSION) {
        Some((400, "resource or api-version is missing or wrong"))
    } else {
        None
    }
}

fn token_response(token: &Token) -> String {
    format!(
        r#"{{"access_token":"{}","expires_on":"{}","resource":"https://redis.azure.com","token_type":"Bearer","client_id":"0"}}"#,
        token.text, token.expires_at
    )
}

pub(crate) fn json(status: u16, body: String) -> Response<Cursor<Vec<u8>>> {
    Response::from_string(body)
        .with_status_code(status)
        .with_header(header("content-type", "application/json"))
}

#[expect(
    clippy::unwrap_used,
    reason = "the names and values are ours and well-formed"
)]
fn header(name: &str, value: &str) -> Header {
    Header::from_bytes(name, value).unwrap()
}

/// Gives one byte at a time, slowly.
struct OneByte(Cursor<Vec<u8>>);

impl Read for OneByte {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        std::thread::sleep(SLOW_BYTE);
        match buffer.first_mut() {
            Some(byte) => self.0.read(std::slice::from_mut(byte)),
            None => Ok(0),
        }
    }
}
