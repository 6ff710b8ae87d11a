//! Connections that are kept, and attempts that are shared.
//!
//! The host owns an attempt to connect: whoever stops waiting for it does not cancel it, and the
//! next check joins it. `AUTH` with Entra may take ten seconds on Azure; with a deadline of five,
//! cancelling would turn a slow cache into one that is red for ever.

use crate::cache::connection::{Connection, Owner};
use crate::cache::dial::{self, DialStep, Endpoint, Observed, Progress};
use crate::cache::{CacheError, Secret};
use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tracing::{debug, info, warn};

/// How long an attempt to connect may take: more than the ten seconds after which Azure gives up
/// validating an Entra token by itself.
pub(super) const ATTEMPT_LIMIT: Duration = Duration::from_secs(15);

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
    kept: Option<Kept>,
    attempt: Option<(Attempt, Arc<Progress>, u64)>,
}

/// A connection that is kept, and which secrets it goes with.
struct Kept {
    connection: Connection,
    /// The generation of the secret it was last authenticated with.
    generation: u64,
    /// The generation of the one it is being authenticated with.
    renewing: Option<u64>,
}

impl Kept {
    fn goes_with(&self, generation: u64) -> bool {
        self.generation == generation || self.renewing == Some(generation)
    }
}

#[derive(Default)]
pub(super) struct Slots {
    by_candidate: HashMap<u32, Slot>,
    next_serial: u64,
    /// Whether the last round trip worked; none before the first.
    pub(super) working: Option<bool>,
}

/// The cache that is configured.
pub struct Cache {
    pub(super) endpoint: Endpoint,
    pub(super) key: String,
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
        let kept = slots.by_candidate.get(&candidate)?.kept.as_ref()?;
        kept.goes_with(generation).then(|| kept.connection.again())
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
            Ok(redis) => Ok(Connection::new(redis, secret.clone(), owner, observed)),
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
            Ok(connection) => {
                slot.kept = Some(Kept {
                    connection: connection.clone(),
                    generation: secret.generation,
                    renewing: None,
                });
            }
            Err(failure) => debug!(?step, error = ?failure.error, "connecting failed"),
        }
        result
    }

    /// Authenticates the kept connection of a candidate with its new secret: Azure closes it when
    /// the old one ends. Until that is done it goes with both. One that refuses is given up; the
    /// next check makes a new one.
    pub fn reauthenticate(self: &Arc<Self>, candidate: u32, secret: Secret) {
        let mut slots = self.lock();
        let slot = slots.by_candidate.entry(candidate).or_default();
        let Some(kept) = &mut slot.kept else { return };
        kept.renewing = Some(secret.generation);
        let (cache, connection) = (Arc::clone(self), kept.connection.clone());
        tokio::spawn(async move {
            let mut redis = connection.redis();
            let auth = dial::authenticate(&mut redis, &secret);
            let result = tokio::time::timeout(ATTEMPT_LIMIT, auth)
                .await
                .unwrap_or(Err(CacheError::Timeout));
            let principal = &secret.user;
            match result {
                Ok(()) => {
                    info!(principal, "the connection was authenticated again");
                    cache.renewed(&connection, secret);
                }
                Err(error) => {
                    warn!(
                        principal,
                        ?error,
                        "the connection could not be authenticated again"
                    );
                    cache.discard(&connection);
                }
            }
        });
    }

    fn renewed(&self, connection: &Connection, secret: Secret) {
        let mut slots = self.lock();
        if let Some(kept) = slots.still_kept(connection) {
            kept.generation = secret.generation;
            connection.renew(secret);
        }
    }

    /// Forgets a connection, if it is still the kept one.
    pub(super) fn discard(&self, connection: &Connection) {
        let mut slots = self.lock();
        if slots.still_kept(connection).is_some()
            && let Some(slot) = slots.by_candidate.get_mut(&connection.owner.candidate)
        {
            slot.kept = None;
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Slots> {
        // Nothing panics while it holds this lock, and a poisoned one still holds the truth.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slots {
    /// The kept connection, if it is this one.
    fn still_kept(&mut self, connection: &Connection) -> Option<&mut Kept> {
        let owner = &connection.owner;
        let kept = self.by_candidate.get_mut(&owner.candidate)?.kept.as_mut()?;
        (kept.connection.owner.serial == owner.serial).then_some(kept)
    }
}
