//! From a host name to an authenticated connection, step by step, so that each can be timed and
//! named: redis-rs' own client hides the steps, the certificate and the error text of `AUTH`.

use crate::cache::bounded::Bounded;
use crate::cache::evidence::{self, TlsEvidence};
use crate::cache::permits::Limited;
use crate::cache::tls::{self, TlsSettings};
use crate::cache::{CacheError, Secret};
use crate::hedge::hedged;
use cache_health_provider::ExposeSecret as _;
use cache_health_provider::rate::Caller;
use futures::stream::{FuturesUnordered, StreamExt as _};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, RedisConnectionInfo};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How long an address has to itself before the next is tried beside it (RFC 8305 proposes 250 ms).
const NEXT_ADDRESS: Duration = Duration::from_millis(250);

/// How long the steps before `AUTH` take before a second attempt is made beside the first: what Microsoft
/// advises as the limit for connecting. A packet may be lost, or a server slow; giving up would make one that
/// takes a second longer one that never answers.
const SECOND_ATTEMPT: Duration = Duration::from_secs(5);

/// A step of dialling.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DialStep {
    /// Resolving the host name.
    #[default]
    Dns,
    /// Connecting to one of the addresses.
    Tcp,
    /// The TLS handshake.
    Tls,
    /// `AUTH`.
    Auth,
}

/// What was observed of a connection while it was made.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// The steps completed, in order.
    pub steps: Vec<(DialStep, Duration)>,
    /// Evidence of TLS, once there is a session.
    pub tls: Option<Arc<TlsEvidence>>,
}

/// How far a dial has come; shared with those who wait for it, so that they can name the step
/// when their patience ends.
#[derive(Debug, Default)]
pub struct Progress {
    so_far: Mutex<(DialStep, Observed)>,
    /// Whether it has to wait for the permit to dial.
    unpermitted: AtomicBool,
    hurry: Notify,
}

impl Progress {
    /// The step under way, and what was observed before it.
    pub fn so_far(&self) -> (DialStep, Observed) {
        self.lock().clone()
    }

    /// Whether it has to wait for the permit to dial.
    pub fn is_unpermitted(&self) -> bool {
        self.unpermitted.load(Ordering::Relaxed)
    }

    /// The sampler waits for it.
    pub fn hurry(&self) {
        self.hurry.notify_one();
    }

    /// Returns once the sampler waits for it.
    pub async fn hurried(&self) {
        self.hurry.notified().await;
    }

    fn completed(&self, step: DialStep, took: Duration, next: DialStep) {
        let mut progress = self.lock();
        progress.1.steps.push((step, took));
        progress.0 = next;
    }

    /// Another attempt was first.
    fn become_like(&self, other: &Self) {
        *self.lock() = other.so_far();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, (DialStep, Observed)> {
        // Nothing panics while it holds this lock, and a poisoned one still holds the truth.
        self.so_far.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where to dial to.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Host name or address to connect to.
    pub host: String,
    /// TLS port.
    pub port: u16,
    /// What the certificate has to be for, and the server name that is sent: the configured host,
    /// on every node of a cluster.
    pub name: String,
    /// The TLS configuration.
    pub tls: Arc<TlsSettings>,
}

/// Where the permit for each connection comes from.
#[derive(Clone, Copy)]
pub struct Permission<'a> {
    pub permits: &'a Limited,
    pub caller: Caller,
    /// How long to wait for one.
    pub limit: Duration,
}

impl Permission<'_> {
    /// Takes the caller's permit, or the sampler's once it waits for this dial, too.
    async fn take(self, progress: &Progress) -> Result<(), CacheError> {
        let waits = !self.permits.has(self.caller);
        progress.unpermitted.store(waits, Ordering::Relaxed);
        let permit = tokio::select! {
            biased;
            permit = self.permits.take(self.caller, self.limit) => permit,
            () = progress.hurried() => self.permits.take(Caller::Sampler, self.limit).await,
        };
        progress
            .unpermitted
            .store(permit.is_err(), Ordering::Relaxed);
        permit
    }
}

/// Dials, authenticates, and hands the connection over to redis-rs' multiplexer. The error belongs
/// to the step that `progress` is at.
pub async fn dial(
    endpoint: &Endpoint,
    secret: &Secret,
    progress: &Progress,
    permits: Permission<'_>,
) -> Result<MultiplexedConnection, CacheError> {
    permits.take(progress).await?;
    let tls = endpoint.tls.current().await;
    // The second attempt's own progress counts only if it is first.
    let beside = Progress::default();
    let attempt = |number| {
        let (tls, beside) = (Arc::clone(&tls), &beside);
        async move {
            if number == 0 {
                return (number, connect(endpoint, tls, progress).await);
            }
            if permits.take(progress).await.is_err() {
                // No connection is left for it. The first goes on.
                std::future::pending::<()>().await;
            }
            (number, connect(endpoint, tls, beside).await)
        }
    };
    let (first, stream) = hedged(SECOND_ATTEMPT, attempt).await;
    if first != 0 {
        progress.become_like(&beside);
    }
    let stream = stream?;
    let started = Instant::now();
    let mut connection = multiplex(stream).await?;
    authenticate(&mut connection, secret).await?;
    progress.completed(DialStep::Auth, started.elapsed(), DialStep::Auth);
    Ok(connection)
}

/// As far as a verified TLS session.
async fn connect(
    endpoint: &Endpoint,
    tls: Arc<ClientConfig>,
    progress: &Progress,
) -> Result<TlsStream<TcpStream>, CacheError> {
    let started = Instant::now();
    let target = (endpoint.host.as_str(), endpoint.port);
    let addresses: Vec<SocketAddr> = tokio::net::lookup_host(target)
        .await
        .map_err(|_| CacheError::Dns)?
        .collect();
    progress.completed(DialStep::Dns, started.elapsed(), DialStep::Tcp);

    let started = Instant::now();
    let stream = connect_any(addresses).await?;
    progress.completed(DialStep::Tcp, started.elapsed(), DialStep::Tls);

    let started = Instant::now();
    let name = ServerName::try_from(endpoint.name.clone()).map_err(|_| CacheError::TlsHostname)?;
    let stream = TlsConnector::from(tls)
        .connect(name, stream)
        .await
        .map_err(|error| tls::handshake_error(&error))?;
    progress.lock().1.tls = evidence::of(stream.get_ref().1).map(Arc::new);
    progress.completed(DialStep::Tls, started.elapsed(), DialStep::Auth);
    Ok(stream)
}

/// `AUTH <user> <password>` as an ordinary command, so that its error reply is kept.
pub async fn authenticate(
    connection: &mut MultiplexedConnection,
    secret: &Secret,
) -> Result<(), CacheError> {
    let mut auth = redis::cmd("AUTH");
    auth.arg(&secret.user).arg(secret.password.expose_secret());
    auth.exec_async(connection).await.map_err(CacheError::from)
}

/// The first address that answers. Each has a head start over the next, so that a dead first
/// address costs little and a slow one is not given up.
async fn connect_any(addresses: Vec<SocketAddr>) -> Result<TcpStream, CacheError> {
    let mut waiting = addresses.into_iter();
    let mut attempts = FuturesUnordered::new();
    loop {
        match waiting.next() {
            Some(address) => attempts.push(TcpStream::connect(address)),
            None if attempts.is_empty() => return Err(CacheError::Connect),
            None => {}
        }
        let head_start = async {
            match waiting.len() {
                0 => std::future::pending().await,
                _ => tokio::time::sleep(NEXT_ADDRESS).await,
            }
        };
        tokio::select! {
            Some(result) = attempts.next() => {
                if let Ok(stream) = result {
                    // Small commands must not wait for one another's acknowledgement.
                    stream.set_nodelay(true).map_err(|_| CacheError::Connect)?;
                    return Ok(stream);
                }
            }
            () = head_start => {}
        }
    }
}

async fn multiplex(stream: TlsStream<TcpStream>) -> Result<MultiplexedConnection, CacheError> {
    // No time-outs of redis-rs' own: one deadline rules. No CLIENT SETINFO: a least-privilege
    // user may not run it.
    let info = RedisConnectionInfo::default().set_skip_set_lib_name();
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(None)
        .set_response_timeout(None);
    let (connection, driver) =
        MultiplexedConnection::new_with_config(&info, Bounded::new(stream), config).await?;
    // Ends when the last handle to the connection is dropped, or the connection ends.
    tokio::spawn(driver);
    Ok(connection)
}
