//! Connections that are kept, and attempts that are shared.
//!
//! The host owns an attempt to connect: whoever stops waiting for it does not cancel it, and the
//! next check joins it. `AUTH` with Entra may take ten seconds on Azure; with a deadline of five,
//! cancelling would turn a slow cache into one that is red for ever.

mod attempt;
mod entry;

pub use attempt::{Ask, ConnectFailure, Login};

use crate::cache::connection::{Connection, Owner};
use crate::cache::dial::{self, DialStep, Endpoint, Permission, Progress};
use crate::cache::permits::Permits;
use crate::cache::pool::attempt::Attempt;
use crate::cache::pool::entry::Entries;
use crate::cache::{CacheError, Counts, Secret};
use crate::task;
use cache_health_provider::Config;
use cache_health_provider::rate::Caller;
use parking_lot::{Mutex, MutexGuard};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::{debug, info, warn};

/// How long the host goes on by itself at least, when nobody waits any more: more than the ten seconds
/// after which Azure gives up validating an Entra token by itself.
pub const LEAST_LIMIT: Duration = Duration::from_secs(15);

/// How long a renewal waits for a round trip under way. A token is renewed minutes before its end.
const ROUND_TRIP: Duration = Duration::from_secs(5);

/// How long a connection that nobody waited for may still be a proof, at least. Where samples are further
/// apart, the next one has to find it.
const UNCLAIMED_AT_LEAST: Duration = Duration::from_secs(60);

/// The cache that is configured.
pub struct Cache {
    pub(super) endpoint: Endpoint,
    pub(super) key: String,
    /// What callers may cause.
    pub permits: Permits,
    /// What was done.
    pub counts: Arc<Counts>,
    /// The host's own limit of what goes on by itself.
    pub(super) limit: Duration,
    entries: Mutex<Entries>,
}

impl Cache {
    /// The cache at this endpoint.
    pub fn new(endpoint: Endpoint, config: &Config) -> Arc<Self> {
        let unclaimed_for = (config.interval.mul_f64(1.1) + config.timeout).max(UNCLAIMED_AT_LEAST);
        Arc::new(Self {
            endpoint,
            key: config.key.clone(),
            permits: Permits::new(config),
            counts: Arc::default(),
            limit: config.timeout.max(LEAST_LIMIT),
            entries: Mutex::new(Entries::new(unclaimed_for)),
        })
    }

    /// A connection for this candidate: the kept one, one that nobody claimed, the one being made, or a
    /// new one.
    ///
    /// Answers within the budget; the attempt goes on after that.
    pub async fn connect(
        self: &Arc<Self>,
        login: Login,
        ask: Ask,
    ) -> Result<Connection, ConnectFailure> {
        let until = Instant::now() + ask.budget;
        let left = || until.saturating_duration_since(Instant::now());
        let connection = match self.at_hand(&login, ask).await? {
            Some(connection) => {
                let permit = self.permits.checks.take(ask.caller, left()).await;
                permit.map_err(|error| ConnectFailure::at_once(error, DialStep::Auth))?;
                connection
            }
            // The permit for the connection is one for its check as well.
            // Boxed: with a kept connection, a check should not carry its state.
            None => Box::pin(self.attempt_within(login, ask.caller, left())).await?,
        };
        Ok(connection.for_check(ask.caller))
    }

    /// A connection that is there already.
    async fn at_hand(&self, login: &Login, ask: Ask) -> Result<Option<Connection>, ConnectFailure> {
        let generation = login.secret.generation;
        let had = {
            let mut entries = self.lock();
            if ask.new {
                return Ok(entries.unclaimed(login.candidate, generation));
            }
            entries.of(login.candidate).kept(generation)
        };
        match had {
            None => Ok(None),
            Some((connection, None)) => Ok(Some(connection)),
            // Commands would only queue up behind the `AUTH` that is under way.
            Some((connection, Some(renewal))) => {
                match tokio::time::timeout(ask.budget, renewal).await {
                    Ok(true) => Ok(Some(connection)),
                    // Refused: it was given up, and a new one is made.
                    Ok(false) => Ok(None),
                    Err(_) => Err(ConnectFailure::at_once(CacheError::Timeout, DialStep::Auth)),
                }
            }
        }
    }

    async fn attempt_within(
        self: &Arc<Self>,
        login: Login,
        caller: Caller,
        budget: Duration,
    ) -> Result<Connection, ConnectFailure> {
        let candidate = login.candidate;
        let (attempt, progress) = self.join_or_start(login, caller);
        if caller == Caller::Sampler {
            // It may have been started by somebody who waits for a permit.
            progress.hurry();
        }
        match tokio::time::timeout(budget, attempt).await {
            Ok(result) => {
                if let Ok(connection) = &result {
                    self.lock().of(candidate).delivered(connection);
                }
                result
            }
            Err(_) => Err(ConnectFailure::timeout(&progress, &self.permits)),
        }
    }

    fn join_or_start(self: &Arc<Self>, login: Login, caller: Caller) -> (Attempt, Arc<Progress>) {
        let Login {
            candidate,
            method,
            secret,
        } = login;
        let mut entries = self.lock();
        let serial = entries.next_serial();
        let entry = entries.of(candidate);
        let secret = entry.newest(secret);
        if let Some(under_way) = entry.under_way(secret.generation) {
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
        let attempt = Arc::clone(self).attempt(owner, secret, caller, Arc::clone(&progress));
        let task = tokio::spawn(attempt);
        let attempt = task::shared(task, || {
            Err(ConnectFailure::at_once(CacheError::Closed, DialStep::Tcp))
        });
        entry.started(attempt.clone(), Arc::clone(&progress), generation, serial);
        (attempt, progress)
    }

    async fn attempt(
        self: Arc<Self>,
        owner: Owner,
        secret: Secret,
        caller: Caller,
        progress: Arc<Progress>,
    ) -> Result<Connection, ConnectFailure> {
        let permission = self.permission(caller);
        let dialled = dial::dial(&self.endpoint, &secret, &progress, permission);
        let result = tokio::time::timeout(self.limit, dialled)
            .await
            .unwrap_or(Err(CacheError::Timeout));
        self.counts.connections.add(result.is_ok());
        let (step, observed) = progress.so_far();
        let (candidate, generation) = (owner.candidate, secret.generation);
        let mut entries = self.lock();
        let entry = entries.of(candidate);
        entry.ended(owner.serial);
        match result {
            Ok(redis) => {
                let connection = Connection::new(redis, secret, owner, observed);
                entry.arrived(&connection, generation);
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

    /// To dial, for this caller.
    pub(super) fn permission(&self, caller: Caller) -> Permission<'_> {
        Permission {
            permits: &self.permits.connections,
            caller,
            limit: self.limit,
        }
    }

    /// Authenticates the kept connection of a candidate with its new secret: Azure closes it when
    /// the old one ends. Checks wait for that, since Redis answers in order, but not before it begins: a guest may
    /// hold the connection. One that refuses is given up; the next check makes a new one.
    pub fn reauthenticate(self: &Arc<Self>, candidate: u32, secret: Secret) {
        let due = self.lock().of(candidate).due(secret.generation);
        let Some(connection) = due else { return };
        let cache = Arc::clone(self);
        tokio::spawn(async move {
            // Their next command would queue up behind the `AUTH`.
            let nobody = connection.between_round_trips(ROUND_TRIP).await;
            let begun = Arc::clone(&cache);
            let renewed = connection.clone();
            let generation = secret.generation;
            let renew = || {
                let renewal = async move {
                    let _nobody = nobody;
                    begun.renew(&renewed, secret).await
                };
                task::shared(tokio::spawn(renewal), || false)
            };
            let mut entries = cache.lock();
            let entry = entries.of(candidate);
            entry.renewing(&connection, generation, renew);
        });
    }

    /// Whether a connection took its new secret.
    async fn renew(&self, connection: &Connection, secret: Secret) -> bool {
        let mut redis = connection.redis();
        let auth = dial::authenticate(&mut redis, &secret);
        let result = tokio::time::timeout(self.limit, auth)
            .await
            .unwrap_or(Err(CacheError::Timeout));
        self.counts.reauthentications.add(result.is_ok());
        let principal = &secret.user;
        match result {
            Ok(()) => {
                info!(principal, "the connection was authenticated again");
                let mut entries = self.lock();
                let entry = entries.of(connection.owner.candidate);
                if entry.renewed(connection, secret.generation) {
                    connection.renew(secret);
                }
                true
            }
            Err(error) => {
                warn!(
                    principal,
                    ?error,
                    "the connection could not be authenticated again"
                );
                self.discard(connection);
                false
            }
        }
    }

    /// A connection that proved itself is the one to keep.
    pub(super) fn promote(&self, connection: &Connection) {
        let generation = connection.secret().generation;
        let mut entries = self.lock();
        entries
            .of(connection.owner.candidate)
            .promote(connection, generation);
    }

    /// Forgets a connection, if it is still the kept one.
    pub(super) fn discard(&self, connection: &Connection) {
        self.lock()
            .of(connection.owner.candidate)
            .discard(connection);
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock()
    }
}
