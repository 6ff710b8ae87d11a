//! Connections: accepted, limited, drained. Whoever reaches the port may be hostile.

use crate::serve::app::App;
use crate::serve::listeners::{Door, Listeners};
use crate::serve::routes;
use crate::serve::send_limit::SendLimit;
use http::Request;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::{Mutex, MutexGuard};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tracing::{debug, info};

/// The most connections at once. One more closes the one that has been idle longest, so that
/// nobody can keep a probe out by holding connections open. Below the usual limit of 1024 open
/// files.
pub const MAX_CONNECTIONS: usize = 512;
/// The most bytes of a request line with its headers; hyper's least. More is answered with 431.
pub const MAX_HEADER_BYTES: usize = 8 * 1024;
/// The most headers. More is answered with 431.
pub const MAX_HEADERS: usize = 64;
/// How long the headers of a request may take to arrive, counted from the end of the request
/// before, so that this is the longest a connection may be idle, too.
pub const HEADER_TIME: Duration = Duration::from_secs(10);
/// How long a client may take over an answer that the system cannot take for it at once.
const SEND_TIME: Duration = Duration::from_secs(30);
/// How long `/readyz` says 503 before connections are no longer accepted: the time that load
/// balancers need to notice.
const NOTICE: Duration = Duration::from_secs(2);
/// How long what is in flight may take after that. With [`NOTICE`] within the ten seconds of the
/// contract.
const DRAIN_LIMIT: Duration = Duration::from_secs(7);
/// How long to wait when the process has no file descriptor left for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// Serves until `shutdown` is over, and then drains.
pub async fn serve(listeners: Listeners, app: App, shutdown: impl Future<Output = ()>) {
    let mut shutdown = pin!(shutdown);
    let mut notice = pin!(tokio::time::sleep(Duration::MAX));
    let (drain, draining) = watch::channel(false);
    let registry = Arc::new(Registry::default());
    let mut tasks = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listeners.accept() => match accepted {
                Ok((stream, door)) => {
                    let seat = registry.seat();
                    tasks.spawn(connection((stream, door), app.clone(), seat, draining.clone()));
                }
                Err(error) => {
                    debug!(%error, "cannot accept");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            // Ended tasks are not kept for ever.
            Some(_) = tasks.join_next(), if !tasks.is_empty() => {}
            () = &mut shutdown, if !app.is_draining() => {
                info!("draining");
                app.drain();
                notice.as_mut().reset(tokio::time::Instant::now() + NOTICE);
            }
            () = &mut notice => break,
        }
    }
    drop(listeners);
    let _ = drain.send(true);
    let drained = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN_LIMIT, drained).await.is_err() {
        info!("requests in flight are cut off");
    }
}

async fn connection(
    (stream, door): (TcpStream, Door),
    app: App,
    seat: Seat,
    mut draining: watch::Receiver<bool>,
) {
    // Small answers must not wait for the acknowledgement of one another.
    let _ = stream.set_nodelay(true);
    let occupant = Arc::clone(&seat.occupant);
    let service = service_fn(|request: Request<Incoming>| {
        debug!(method = %request.method(), path = request.uri().path(), "request");
        let (app, occupant) = (app.clone(), Arc::clone(&occupant));
        async move {
            let _busy = Busy::mark(&occupant);
            let answer = routes::answer(&app, door, request).await;
            Ok::<_, Infallible>(answer.map(Full::new))
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_buf_size(MAX_HEADER_BYTES)
        .max_headers(MAX_HEADERS)
        .serve_connection(TokioIo::new(SendLimit::new(stream, SEND_TIME)), service);
    let mut connection = pin!(connection);
    loop {
        tokio::select! {
            _ = connection.as_mut() => break,
            () = occupant.evicted.notified() => break,
            _ = draining.wait_for(|draining| *draining), if !*draining.borrow() => {
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

/// The connections there are.
#[derive(Default)]
struct Registry {
    seats: Mutex<Seats>,
}

#[derive(Default)]
struct Seats {
    /// By age: the first is the oldest.
    occupants: BTreeMap<u64, Arc<Occupant>>,
    next: u64,
}

/// One connection, as far as limits matter.
#[derive(Default)]
struct Occupant {
    busy: AtomicBool,
    evicted: Notify,
}

/// A connection's place; given up when dropped.
struct Seat {
    registry: Arc<Registry>,
    number: u64,
    occupant: Arc<Occupant>,
}

impl Registry {
    /// A place for one more connection, if need be at the cost of the oldest that has no request
    /// under way. There always is one: requests under way have a lower limit of their own.
    fn seat(self: &Arc<Self>) -> Seat {
        let mut seats = self.lock();
        if seats.occupants.len() >= MAX_CONNECTIONS {
            let idle = seats
                .occupants
                .iter()
                .find(|(_, occupant)| !occupant.busy.load(Ordering::Relaxed))
                .map(|(number, _)| *number);
            if let Some(evicted) = idle.and_then(|number| seats.occupants.remove(&number)) {
                evicted.evicted.notify_one();
            }
        }
        let number = seats.next;
        seats.next += 1;
        let occupant = Arc::new(Occupant::default());
        seats.occupants.insert(number, Arc::clone(&occupant));
        Seat {
            registry: Arc::clone(self),
            number,
            occupant,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Seats> {
        self.seats.lock()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.registry.lock().occupants.remove(&self.number);
    }
}

/// Marks a connection as having a request under way.
struct Busy<'a>(&'a Occupant);

impl<'a> Busy<'a> {
    fn mark(occupant: &'a Occupant) -> Self {
        occupant.busy.store(true, Ordering::Relaxed);
        Self(occupant)
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.busy.store(false, Ordering::Relaxed);
    }
}
