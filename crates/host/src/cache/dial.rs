//! From a host name to an authenticated connection, step by step, so that each can be timed and
//! named: redis-rs' own client hides the steps, the certificate and the error text of `AUTH`.

use crate::cache::permits::Limited;
use crate::cache::presented::{FirstBytes, Presented};
use crate::cache::reply_limit::ReplyLimit;
use crate::cache::resolver;
use crate::cache::tls::{self, TlsSettings};
use crate::cache::tls_session::{self, TlsEvidence};
use crate::cache::{CacheError, Secret};
use crate::files::Files;
use crate::hedge::hedged;
use cache_health_provider::ExposeSecret as _;
use cache_health_provider::rate::Caller;
use cache_health_report::Evidence;
use futures::stream::{FuturesUnordered, StreamExt as _};
use parking_lot::Mutex;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, RedisConnectionInfo};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How long an address has to itself before the next is tried beside it (RFC 8305 proposes 250 ms).
const NEXT_ADDRESS: Duration = Duration::from_millis(250);

/// How many addresses of a name are tried. A cache of Azure has one or two; a name server that is hostile, or belongs to
/// a server that redirects to its own names, could make thousands of connections of one permit.
const MAX_ADDRESSES: usize = 8;

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
    /// What else was seen.
    pub evidence: Evidence,
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

    /// It came no further than this step, though the next had begun.
    fn fell_back(&self, step: DialStep) {
        let mut progress = self.lock();
        progress
            .1
            .steps
            .retain(|(known, _)| *known != step && *known != DialStep::Auth);
        progress.1.tls = None;
        progress.0 = step;
    }

    /// Something was seen.
    fn saw(&self, see: impl FnOnce(&mut Evidence)) {
        see(&mut self.lock().1.evidence);
    }

    /// Another attempt was first.
    fn become_like(&self, other: &Self) {
        *self.lock() = other.so_far();
    }

    fn lock(&self) -> parking_lot::MutexGuard<'_, (DialStep, Observed)> {
        self.so_far.lock()
    }
}

/// Where to dial to.
#[derive(Clone)]
pub struct Endpoint {
    /// Host name or address to connect to.
    pub host: String,
    /// TLS port.
    pub port: u16,
    /// The database that is selected; every connection begins with 0.
    pub database: u32,
    /// What the certificate has to be for, and the server name that is sent: the configured host,
    /// on every node of a cluster.
    pub name: String,
    /// The TLS configuration.
    pub tls: Arc<TlsSettings>,
    /// Through which the resolver's configuration is read.
    pub files: Arc<Files>,
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
    let trust = endpoint.tls.current().await;
    let presented = [Arc::<Presented>::default(), Arc::default()];
    // The second attempt's own progress counts only if it is first.
    let beside = Progress::default();
    let attempt = |number| {
        let (tls, beside) = (trust.watched(&presented[number]), &beside);
        let presented = &presented[number];
        async move {
            let connected = if number == 0 {
                connect(endpoint, tls, presented, progress).await
            } else {
                if permits.take(progress).await.is_err() {
                    // No connection is left for it. The first goes on.
                    std::future::pending::<()>().await;
                }
                connect(endpoint, tls, presented, beside).await
            };
            match connected {
                Ok(stream) => Ok((number, stream)),
                Err(error) => Err((number, error)),
            }
        }
    };
    let connected = hedged(SECOND_ATTEMPT, attempt).await;
    let (Ok((first, _)) | Err((first, _))) = connected;
    if first != 0 {
        progress.become_like(&beside);
    }
    let (_, stream) = connected.map_err(|(_, error)| error)?;
    let started = Instant::now();
    let authenticated = async {
        let mut connection = multiplex(stream).await?;
        authenticate(&mut connection, secret).await?;
        if endpoint.database != 0 {
            let mut select = redis::cmd("SELECT");
            select
                .arg(endpoint.database)
                .exec_async(&mut connection)
                .await?;
        }
        Ok(connection)
    };
    let connection = authenticated
        .await
        .map_err(|error| late(error, &presented[first], endpoint, progress))?;
    progress.completed(DialStep::Auth, started.elapsed(), DialStep::Auth);
    Ok(connection)
}

/// In TLS 1.3 a server refuses our part of the handshake when ours is over, and it shows with the first reply.
fn late(
    error: CacheError,
    presented: &Presented,
    endpoint: &Endpoint,
    progress: &Progress,
) -> CacheError {
    let wanted = presented.wants_certificate() && error == CacheError::Closed;
    if !wanted && error != CacheError::TlsProtocol {
        return error;
    }
    progress.fell_back(DialStep::Tls);
    progress.saw(|evidence| {
        presented.describe(evidence);
        evidence.set("tls.roots", endpoint.tls.roots());
    });
    CacheError::TlsProtocol
}

async fn connect(
    endpoint: &Endpoint,
    tls: Arc<ClientConfig>,
    presented: &Arc<Presented>,
    progress: &Progress,
) -> Result<TlsStream<FirstBytes<TcpStream>>, CacheError> {
    let started = Instant::now();
    let mut seen = Evidence::new();
    let resolved = resolver::resolve(&endpoint.files, &endpoint.host, &mut seen).await;
    progress.saw(|evidence| evidence.extend(seen));
    let addresses = resolved?;
    progress.saw(|evidence| {
        let described = addresses
            .iter()
            .map(|address| resolver::described(*address));
        *evidence = std::mem::take(evidence).with_list("addresses", described);
    });
    progress.completed(DialStep::Dns, started.elapsed(), DialStep::Tcp);

    let started = Instant::now();
    let port = endpoint.port;
    let addresses = addresses
        .into_iter()
        .take(MAX_ADDRESSES)
        .map(|address| SocketAddr::from((address, port)));
    let stream = connect_any(addresses.collect()).await?;
    progress.completed(DialStep::Tcp, started.elapsed(), DialStep::Tls);

    let started = Instant::now();
    let name = ServerName::try_from(endpoint.name.clone()).map_err(|_| CacheError::TlsHostname)?;
    let shaken = TlsConnector::from(tls)
        .connect(name, FirstBytes::of(stream, presented))
        .await;
    let stream = shaken.map_err(|error| {
        let mut called = CacheError::TlsProtocol;
        progress.saw(|evidence| {
            presented.describe(evidence);
            evidence.set("tls.roots", endpoint.tls.roots());
            called = tls::handshake_error(&error, evidence);
        });
        // TLS 1.2 ends the handshake with an alert that does not say why.
        match called {
            CacheError::Closed if presented.wants_certificate() => CacheError::TlsProtocol,
            called => called,
        }
    })?;
    progress.lock().1.tls = tls_session::of(stream.get_ref().1).map(Arc::new);
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

async fn multiplex(
    stream: TlsStream<FirstBytes<TcpStream>>,
) -> Result<MultiplexedConnection, CacheError> {
    // No time-outs of redis-rs' own: one deadline rules. No CLIENT SETINFO: a least-privilege
    // user may not run it.
    let info = RedisConnectionInfo::default().set_skip_set_lib_name();
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(None)
        .set_response_timeout(None);
    let (connection, driver) =
        MultiplexedConnection::new_with_config(&info, ReplyLimit::new(stream), config).await?;
    // Ends when the last handle to the connection is dropped, or the connection ends.
    tokio::spawn(driver);
    Ok(connection)
}
