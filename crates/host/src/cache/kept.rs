//! Connections that are kept, and attempts that are shared.
//!
//! The host owns an attempt to connect: whoever stops waiting for it does not cancel it, and the
//! next check joins it. `AUTH` with Entra may take ten seconds on Azure; with a deadline of five,
//! cancelling would turn a slow cache into one that is red for ever.

use crate::cache::dial::{self, DialStep, Endpoint, Observed, Progress};
use crate::cache::{CacheError, Secret};
use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use redis::aio::MultiplexedConnection;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tracing::{debug, info, warn};

/// How long an attempt to connect may take: more than the ten seconds after which Azure gives up
/// validating an Entra token by itself.
const ATTEMPT_LIMIT: Duration = Duration::from_secs(15);

/// An authenticated connection.
#[derive(Clone)]
pub struct Connection {
    redis: MultiplexedConnection,
    owner: Owner,
    /// What was observed while it was made.
    pub observed: Observed,
    /// Whether it was kept from an earlier check.
    pub reused: bool,
}

/// Whose connection it is: which kept slot, which of the connections that were ever in it.
#[derive(Clone, Debug)]
struct Owner {
    candidate: u32,
    serial: u64,
    method: &'static str,
    principal: String,
}

/// A connection that could not be made.
#[derive(Clone, Debug)]
pub struct ConnectFailure {
    /// Why.
    pub error: CacheError,
    /// Where.
    pub step: DialStep,
    /// What was observed before.
    pub observed: Observed,
}

type Attempt = Shared<BoxFuture<'static, Result<Connection, ConnectFailure>>>;

/// What there is for one candidate.
#[derive(Default)]
struct Slot {
    kept: Option<(Connection, u64)>,
    attempt: Option<(Attempt, Arc<Progress>, u64)>,
}

#[derive(Default)]
struct Slots {
    by_candidate: HashMap<u32, Slot>,
    next_serial: u64,
    /// Whether the last round trip worked; none before the first.
    working: Option<bool>,
}

/// The cache that is configured.
pub struct Cache {
    endpoint: Endpoint,
    key: String,
    slots: Mutex<Slots>,
}

impl Cache {
    /// The cache at this endpoint, with this key to write and read.
    pub fn new(endpoint: Endpoint, key: String) -> Arc<Self> {
        Arc::new(Self {
            endpoint,
            key,
            slots: Mutex::default(),
        })
    }

    /// A connection for this candidate: the kept one, the one being made, or a new one.
    ///
    /// Answers within `budget`; the attempt goes on after that.
    pub async fn connect(
        self: &Arc<Self>,
        candidate: u32,
        method: &'static str,
        secret: Secret,
        budget: Duration,
        fresh: bool,
    ) -> Result<Connection, ConnectFailure> {
        let kept = if fresh {
            None
        } else {
            self.kept(candidate, secret.generation)
        };
        if let Some(connection) = kept {
            return Ok(connection);
        }
        let (attempt, progress) = self.join_or_start(candidate, method, secret);
        match tokio::time::timeout(budget, attempt).await {
            Ok(result) => result,
            Err(_) => {
                let (step, observed) = progress.so_far();
                Err(ConnectFailure {
                    error: CacheError::Timeout,
                    step,
                    observed,
                })
            }
        }
    }

    fn kept(&self, candidate: u32, generation: u64) -> Option<Connection> {
        let slots = self.lock();
        let (connection, used) = slots.by_candidate.get(&candidate)?.kept.as_ref()?;
        (*used == generation).then(|| Connection {
            reused: true,
            ..connection.clone()
        })
    }

    fn join_or_start(
        self: &Arc<Self>,
        candidate: u32,
        method: &'static str,
        secret: Secret,
    ) -> (Attempt, Arc<Progress>) {
        let mut slots = self.lock();
        let serial = slots.next_serial;
        let slot = slots.by_candidate.entry(candidate).or_default();
        if let Some((attempt, progress, generation)) = &slot.attempt
            && *generation == secret.generation
        {
            return (attempt.clone(), Arc::clone(progress));
        }
        let progress = Arc::new(Progress::default());
        let owner = Owner {
            candidate,
            serial,
            method,
            principal: secret.user.clone(),
        };
        let generation = secret.generation;
        let task = tokio::spawn(Arc::clone(self).attempt(owner, secret, Arc::clone(&progress)));
        let attempt = async move {
            task.await.unwrap_or_else(|_| {
                // The task panicked or the runtime is going away.
                Err(ConnectFailure {
                    error: CacheError::Closed,
                    step: DialStep::Tcp,
                    observed: Observed::default(),
                })
            })
        }
        .boxed()
        .shared();
        slot.attempt = Some((attempt.clone(), Arc::clone(&progress), generation));
        slots.next_serial += 1;
        (attempt, progress)
    }

    async fn attempt(
        self: Arc<Self>,
        owner: Owner,
        secret: Secret,
        progress: Arc<Progress>,
    ) -> Result<Connection, ConnectFailure> {
        let dialled = dial::dial(&self.endpoint, &secret, &progress);
        let result = tokio::time::timeout(ATTEMPT_LIMIT, dialled)
            .await
            .unwrap_or(Err(CacheError::Timeout));
        let (step, observed) = progress.so_far();
        let candidate = owner.candidate;
        let result = match result {
            Ok(redis) => Ok(Connection {
                redis,
                owner,
                observed,
                reused: false,
            }),
            Err(error) => Err(ConnectFailure {
                error,
                step,
                observed,
            }),
        };
        let mut slots = self.lock();
        let slot = slots.by_candidate.entry(candidate).or_default();
        // Only if it is still ours: a newer secret may have started another attempt.
        if slot
            .attempt
            .as_ref()
            .is_some_and(|(_, _, used)| *used == secret.generation)
        {
            slot.attempt = None;
        }
        match &result {
            Ok(connection) => slot.kept = Some((connection.clone(), secret.generation)),
            Err(failure) => debug!(?step, error = ?failure.error, "connecting failed"),
        }
        result
    }

    /// `SET <key> <value> EX <ttl>`.
    pub async fn set(
        &self,
        connection: &Connection,
        value: &[u8],
        ttl_seconds: u32,
        budget: Duration,
    ) -> Result<(), CacheError> {
        let mut command = redis::cmd("SET");
        command.arg(&self.key).arg(value).arg("EX").arg(ttl_seconds);
        self.run::<()>(connection, "SET", &command, budget).await
    }

    /// `GET <key>`.
    pub async fn get(
        &self,
        connection: &Connection,
        budget: Duration,
    ) -> Result<Option<Vec<u8>>, CacheError> {
        let mut command = redis::cmd("GET");
        command.arg(&self.key);
        self.run(connection, "GET", &command, budget).await
    }

    async fn run<T: redis::FromRedisValue>(
        &self,
        connection: &Connection,
        name: &'static str,
        command: &redis::Cmd,
        budget: Duration,
    ) -> Result<T, CacheError> {
        let mut redis = connection.redis.clone();
        let result = match tokio::time::timeout(budget, command.query_async(&mut redis)).await {
            Ok(result) => result.map_err(CacheError::from),
            Err(_) => Err(CacheError::Timeout),
        };
        if result
            .as_ref()
            .is_err_and(|error| !error.leaves_connection_usable())
        {
            self.discard(connection);
        }
        self.log(connection, name, result.as_ref().err());
        result
    }

    /// Forgets a connection, if it is still the kept one.
    fn discard(&self, connection: &Connection) {
        let mut slots = self.lock();
        if let Some(slot) = slots.by_candidate.get_mut(&connection.owner.candidate)
            && slot
                .kept
                .as_ref()
                .is_some_and(|(kept, _)| kept.owner.serial == connection.owner.serial)
        {
            slot.kept = None;
        }
    }

    /// The lines that the recipe's verification asks for: at info on the first success of a
    /// connection and on every change between working and not, at debug always.
    fn log(&self, connection: &Connection, command: &'static str, error: Option<&CacheError>) {
        let working = error.is_none();
        let changed = {
            let mut slots = self.lock();
            // A round trip is working once its GET is, and broken with either command.
            let settles = command == "GET" || !working;
            let changed = slots.working != Some(working);
            if settles {
                slots.working = Some(working);
            }
            changed
        };
        let owner = &connection.owner;
        let (key, port) = (&self.key, self.endpoint.port);
        let (method, principal) = (owner.method, &owner.principal);
        match error {
            None if changed || !connection.reused => {
                info!(command, key, method, principal, port, "{command} succeeded");
            }
            None => debug!(command, key, method, principal, port, "{command} succeeded"),
            Some(error) if changed => {
                warn!(
                    command,
                    key,
                    method,
                    principal,
                    port,
                    ?error,
                    "{command} failed"
                );
            }
            Some(error) => {
                debug!(
                    command,
                    key,
                    method,
                    principal,
                    port,
                    ?error,
                    "{command} failed"
                );
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Slots> {
        // Nothing panics while it holds this lock, and a poisoned one still holds the truth.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
