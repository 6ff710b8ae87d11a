//! Connections that are kept, and attempts that are shared.
//!
//! The host owns an attempt to connect: whoever stops waiting for it does not cancel it, and the
//! next check joins it. `AUTH` with Entra may take ten seconds on Azure; with a deadline of five,
//! cancelling would turn a slow cache into one that is red for ever.

use crate::cache::connection::{Connection, Owner};
use crate::cache::dial::{self, DialStep, Endpoint, Observed, Progress};
use crate::cache::slot::Slots;
use crate::cache::{CacheError, Secret};
use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tracing::{debug, info, warn};

/// How long an attempt to connect may take: more than the ten seconds after which Azure gives up
/// validating an Entra token by itself.
pub(super) const ATTEMPT_LIMIT: Duration = Duration::from_secs(15);

/// How long a renewal waits for a round trip under way. A token is renewed minutes before its end.
const ROUND_TRIP: Duration = Duration::from_secs(5);

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

impl ConnectFailure {
    fn timeout((step, observed): (DialStep, Observed)) -> Self {
        Self {
            error: CacheError::Timeout,
            step,
            observed,
        }
    }
}

/// An attempt to connect that is under way.
pub(super) type Attempt = Shared<BoxFuture<'static, Result<Connection, ConnectFailure>>>;

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
    /// `fresh`: not the kept one.
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
        let until = Instant::now() + budget;
        let generation = secret.generation;
        let had = {
            let mut slots = self.lock();
            let slot = slots.of(candidate);
            if fresh {
                slot.landed(generation).map(|connection| (connection, None))
            } else {
                slot.kept(generation)
            }
        };
        match had {
            Some((connection, None)) => return Ok(connection.for_round_trip()),
            // Commands would only queue up behind the `AUTH` that is under way.
            Some((connection, Some(renewal))) => {
                match tokio::time::timeout(budget, renewal).await {
                    Ok(true) => return Ok(connection.for_round_trip()),
                    // Refused: it was given up, and a new one is made.
                    Ok(false) => {}
                    Err(_) => {
                        let waited_for = (DialStep::Auth, Observed::default());
                        return Err(ConnectFailure::timeout(waited_for));
                    }
                }
            }
            None => {}
        }
        let left = until.saturating_duration_since(Instant::now());
        self.attempt_within(candidate, method, secret, left).await
    }

    async fn attempt_within(
        self: &Arc<Self>,
        candidate: u32,
        method: &'static str,
        secret: Secret,
        budget: Duration,
    ) -> Result<Connection, ConnectFailure> {
        let (attempt, progress) = self.join_or_start(candidate, method, secret);
        match tokio::time::timeout(budget, attempt).await {
            Ok(result) => {
                if let Ok(connection) = &result {
                    self.lock().of(candidate).delivered(connection);
                }
                result.map(Connection::for_round_trip)
            }
            Err(_) => Err(ConnectFailure::timeout(progress.so_far())),
        }
    }

    fn join_or_start(
        self: &Arc<Self>,
        candidate: u32,
        method: &'static str,
        secret: Secret,
    ) -> (Attempt, Arc<Progress>) {
        let mut slots = self.lock();
        let serial = slots.next_serial();
        let slot = slots.of(candidate);
        if let Some(under_way) = slot.under_way(secret.generation) {
            return under_way;
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
        slot.started(attempt.clone(), Arc::clone(&progress), generation);
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
        let (candidate, generation) = (owner.candidate, secret.generation);
        let mut slots = self.lock();
        let slot = slots.of(candidate);
        slot.ended(generation);
        match result {
            Ok(redis) => {
                let connection = Connection::new(redis, secret, owner, observed);
                slot.arrived(&connection, generation);
                Ok(connection)
            }
            Err(error) => {
                debug!(?step, ?error, "connecting failed");
                Err(ConnectFailure {
                    error,
                    step,
                    observed,
                })
            }
        }
    }

    /// Authenticates the kept connection of a candidate with its new secret: Azure closes it when
    /// the old one ends. Checks wait for that, since Redis answers in order. A connection that
    /// refuses is given up; the next check makes a new one.
    pub fn reauthenticate(self: &Arc<Self>, candidate: u32, secret: Secret) {
        let mut slots = self.lock();
        let slot = slots.of(candidate);
        let Some(connection) = slot.any_kept() else {
            return;
        };
        let (cache, generation) = (Arc::clone(self), secret.generation);
        let task = tokio::spawn(async move {
            // Their next command would queue up behind the `AUTH`.
            let _nobody = connection.between_round_trips(ROUND_TRIP).await;
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
                    true
                }
                Err(error) => {
                    warn!(
                        principal,
                        ?error,
                        "the connection could not be authenticated again"
                    );
                    cache.discard(&connection);
                    false
                }
            }
        });
        let renewal = async move { task.await.unwrap_or(false) }.boxed().shared();
        slot.renewing(generation, renewal);
    }

    fn renewed(&self, connection: &Connection, secret: Secret) {
        let mut slots = self.lock();
        let slot = slots.of(connection.owner.candidate);
        if slot.renewed(connection, secret.generation) {
            connection.renew(secret);
        }
    }

    /// A connection that proved itself is the one to keep.
    pub(super) fn promote(&self, connection: &Connection) {
        let generation = connection.secret().generation;
        let mut slots = self.lock();
        slots
            .of(connection.owner.candidate)
            .promote(connection, generation);
    }

    /// Forgets a connection, if it is still the kept one.
    pub(super) fn discard(&self, connection: &Connection) {
        self.lock()
            .of(connection.owner.candidate)
            .discard(connection);
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Slots> {
        // Nothing panics while it holds this lock, and a poisoned one still holds the truth.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
