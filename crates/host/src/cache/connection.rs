//! An authenticated connection, as everybody holds it who uses it.

use crate::cache::dial::Observed;
use crate::cache::permits::Check;
use crate::cache::{CacheError, Secret};
use cache_health_provider::rate::Caller;
use futures::future::BoxFuture;
use parking_lot::{Mutex, MutexGuard};
use redis::Value;
use redis::aio::MultiplexedConnection;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

/// Where a connection comes from, as whoever it is handed out to sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It was made for them.
    New,
    /// It was kept from an earlier check.
    Kept,
    /// It was made for an earlier caller who had gone when it was there.
    Unclaimed,
}

/// An authenticated connection. Clones share the wire: when a cluster sends one of them on to
/// another node, the others are there as well.
#[derive(Clone)]
pub struct Connection {
    wire: Arc<Mutex<Wire>>,
    /// Read by those who are in the middle of a round trip, written by who interrupts them.
    round_trips: Arc<RwLock<()>>,
    _round_trip: Option<Arc<OwnedRwLockReadGuard<()>>>,
    /// Held by whoever moves it to another node.
    pub(super) moving: Arc<tokio::sync::Mutex<()>>,
    /// The node that the slot is being moved to, while that lasts.
    pub(super) asking: Arc<tokio::sync::Mutex<Option<(String, MultiplexedConnection)>>>,
    /// Whose it is.
    pub(super) owner: Owner,
    /// What was observed while it was made.
    pub observed: Observed,
    /// Where it comes from.
    pub origin: Origin,
    /// The check it was handed out for; none while it is not.
    pub(super) check: Option<Arc<Check>>,
    /// Whether somebody waits for a reply that is overdue.
    watched: Arc<AtomicBool>,
}

/// Whose connection it is: which entry of the pool, and which of the connections that were ever in it.
#[derive(Clone, Debug)]
pub(super) struct Owner {
    pub candidate: u32,
    pub serial: u64,
    pub method: &'static str,
    pub principal: String,
}

/// What commands go over, and what it was last authenticated with.
struct Wire {
    redis: MultiplexedConnection,
    secret: Secret,
    /// The node of a cluster that it was moved to.
    node: Option<String>,
}

/// A reply that is on its way.
pub(super) type ErrorReply = BoxFuture<'static, Result<Value, CacheError>>;

/// Why there is no reply.
pub(super) enum Unanswered {
    /// The command failed.
    Failed(CacheError),
    /// The time is over. The reply may still come.
    Late(ErrorReply),
}

impl Connection {
    pub(super) fn new(
        redis: MultiplexedConnection,
        secret: Secret,
        owner: Owner,
        observed: Observed,
    ) -> Self {
        Self {
            wire: Arc::new(Mutex::new(Wire {
                redis,
                secret,
                node: None,
            })),
            round_trips: Arc::default(),
            _round_trip: None,
            moving: Arc::default(),
            asking: Arc::default(),
            owner,
            observed,
            origin: Origin::New,
            check: None,
            watched: Arc::default(),
        }
    }

    /// The same, for one check, whose round trip is not to be interrupted while this is held.
    pub(super) fn for_check(self, caller: Caller) -> Self {
        let held = Arc::clone(&self.round_trips).try_read_owned();
        Self {
            _round_trip: held.ok().map(Arc::new),
            check: Some(Arc::new(Check::permitted(caller))),
            ..self
        }
    }

    /// The same, in the middle of nothing.
    pub(super) fn idle(&self) -> Self {
        Self {
            _round_trip: None,
            check: None,
            ..self.clone()
        }
    }

    /// Returns once nobody is in the middle of a round trip, or after this long: a guest may hold a
    /// connection for ever.
    pub(super) async fn between_round_trips(
        &self,
        limit: Duration,
    ) -> Option<OwnedRwLockWriteGuard<()>> {
        let nobody = Arc::clone(&self.round_trips).write_owned();
        tokio::time::timeout(limit, nobody).await.ok()
    }

    /// The same connection, for a later check.
    pub(super) fn again(&self) -> Self {
        Self {
            origin: Origin::Kept,
            ..self.clone()
        }
    }

    /// The same connection, for another caller than the one it was made for.
    pub(super) fn unclaimed(self) -> Self {
        Self {
            origin: Origin::Unclaimed,
            ..self
        }
    }

    /// Whether the two are one connection.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.owner.serial == other.owner.serial
    }

    /// Whether it was made after the other.
    pub(super) fn is_newer_than(&self, other: &Self) -> bool {
        self.owner.serial > other.owner.serial
    }

    /// Sends a command and waits for its reply, this long at most. What comes later is the rest of the
    /// error: whether the connection is dead shows only then.
    pub(super) async fn query(
        &self,
        command: redis::Cmd,
        limit: Duration,
    ) -> Result<Value, Unanswered> {
        let mut redis = self.redis();
        let mut reply: ErrorReply = Box::pin(async move {
            let reply = command.query_async(&mut redis).await;
            reply.map_err(CacheError::from)
        });
        match tokio::time::timeout(limit, reply.as_mut()).await {
            Ok(reply) => reply.map_err(Unanswered::Failed),
            Err(_) => Err(Unanswered::Late(reply)),
        }
    }

    /// Whether nobody waits yet for a reply that is overdue. Whoever is told so does, and says when it
    /// is over: replies come in order, so one who waits is enough.
    pub(super) fn may_be_watched(&self) -> bool {
        !self.watched.swap(true, Ordering::Relaxed)
    }

    /// Nobody waits any more.
    pub(super) fn is_not_watched(&self) {
        self.watched.store(false, Ordering::Relaxed);
    }

    pub(super) fn redis(&self) -> MultiplexedConnection {
        self.wire().redis.clone()
    }

    /// What it was last authenticated with.
    pub(super) fn secret(&self) -> Secret {
        self.wire().secret.clone()
    }

    /// It was authenticated again.
    pub(super) fn renew(&self, secret: Secret) {
        self.wire().secret = secret;
    }

    /// From now on, commands go over this one, to this node. The other is closed.
    pub(super) fn move_to(&self, node: &str, redis: MultiplexedConnection) {
        let mut wire = self.wire();
        wire.redis = redis;
        wire.node = Some(node.to_owned());
    }

    /// The node of a cluster that it was moved to.
    pub fn node(&self) -> Option<String> {
        self.wire().node.clone()
    }

    /// Whether it was moved to this node.
    pub(super) fn is_at(&self, node: &str) -> bool {
        self.wire().node.as_deref() == Some(node)
    }

    fn wire(&self) -> MutexGuard<'_, Wire> {
        self.wire.lock()
    }
}
