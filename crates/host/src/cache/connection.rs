//! An authenticated connection, as everybody holds it who uses it.

use crate::cache::dial::Observed;
use crate::cache::{CacheError, Secret};
use redis::aio::MultiplexedConnection;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

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
    /// Whose it is.
    pub(super) owner: Owner,
    /// What was observed while it was made.
    pub observed: Observed,
    /// Whether it was kept from an earlier check.
    pub reused: bool,
}

/// Whose connection it is: which kept slot, and which of the connections that were ever in it.
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
            owner,
            observed,
            reused: false,
        }
    }

    /// The same, for a round trip that is not to be interrupted while this is held.
    pub(super) fn for_round_trip(self) -> Self {
        let held = Arc::clone(&self.round_trips).try_read_owned();
        Self {
            _round_trip: held.ok().map(Arc::new),
            ..self
        }
    }

    /// The same, in the middle of nothing.
    pub(super) fn idle(&self) -> Self {
        Self {
            _round_trip: None,
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
            reused: true,
            ..self.clone()
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

    /// Sends a command and waits for its reply, this long at most.
    pub(super) async fn query<T: redis::FromRedisValue>(
        &self,
        command: &redis::Cmd,
        limit: Duration,
    ) -> Result<T, CacheError> {
        let mut redis = self.redis();
        match tokio::time::timeout(limit, command.query_async(&mut redis)).await {
            Ok(result) => result.map_err(CacheError::from),
            Err(_) => Err(CacheError::Timeout),
        }
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

    /// Whether it was moved to this node.
    pub(super) fn is_at(&self, node: &str) -> bool {
        self.wire().node.as_deref() == Some(node)
    }

    fn wire(&self) -> MutexGuard<'_, Wire> {
        // Nothing panics while it holds this lock, and a poisoned one still holds the truth.
        self.wire.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
