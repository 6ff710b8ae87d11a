//! The endpoints of managed identities: Container Apps and App Service, virtual machines (IMDS), and servers of Azure
//! Arc. What follows the platform's protocol is answered as a test wants it; anything else is refused as Azure refuses
//! it.

mod behaviour;
mod platform;

pub use behaviour::Behaviour;
pub(crate) use behaviour::{json, token_response};
pub use platform::Platform;

use crate::port;
use anyhow::{Result, anyhow};
use behaviour::{Made, OneByte, header};
use std::io::{Cursor, Write as _};
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tiny_http::{Request, Response, Server, StatusCode};

/// How long a request is held that is never to be answered.
const HELD: Duration = Duration::from_secs(60);

/// An endpoint that runs; stopped when dropped.
pub struct IdentityEndpoint {
    server: Arc<Server>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    /// What the app finds in `IDENTITY_HEADER`.
    pub header: String,
}

struct Shared {
    platform: Platform,
    behaviour: Mutex<Behaviour>,
    requests: AtomicU64,
}

impl IdentityEndpoint {
    /// Starts an endpoint on any port of loopback.
    pub fn start(behaviour: Behaviour) -> Result<Self> {
        Self::start_on(0, behaviour)
    }

    /// Starts an endpoint on this port of loopback.
    pub fn start_on(port: u16, behaviour: Behaviour) -> Result<Self> {
        Self::start_as(port, Platform::container_apps(), behaviour)
    }

    /// Starts an endpoint of this platform on this port of loopback.
    pub fn start_as(port: u16, platform: Platform, behaviour: Behaviour) -> Result<Self> {
        let server = port::take_again(|| {
            Server::http((Ipv4Addr::LOCALHOST, port)).map_err(|error| anyhow!(error))
        })?;
        let server = Arc::new(server);
        let header = platform.header().to_owned();
        let shared = Arc::new(Shared {
            behaviour: Mutex::new(behaviour),
            requests: AtomicU64::new(0),
            platform,
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
        format!(
            "http://{}{}",
            self.server.server_addr(),
            self.shared.platform.path()
        )
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

fn answer(mut request: Request, shared: &Shared) {
    shared.requests.fetch_add(1, Ordering::SeqCst);
    let behaviour = match shared.platform.refusal(&mut request) {
        Some(refused) => refused,
        None => shared
            .behaviour
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone(),
    };
    // A client that went away is no concern of the endpoint's.
    let _ = match behaviour {
        Behaviour::Token(token) => {
            request.respond(json(200, shared.platform.token_response(&token)))
        }
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
            request.respond(json(200, shared.platform.token_response(&token)))
        }
        Behaviour::Hang => {
            std::thread::sleep(HELD);
            Ok(())
        }
        Behaviour::Slow(token) => {
            let body = shared.platform.token_response(&token);
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
