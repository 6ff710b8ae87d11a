//! An attempt to connect: for whom, how it is wanted, and why it came to nothing.

use crate::cache::connection::Connection;
use crate::cache::dial::{DialStep, Observed, Progress};
use crate::cache::permits::Permits;
use crate::cache::{CacheError, Secret};
use crate::task::SharedTask;
use cache_health_provider::rate::Caller;
use std::time::Duration;

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
    pub(super) fn at_once(error: CacheError, step: DialStep) -> Self {
        Self {
            error,
            step,
            observed: Observed::default(),
        }
    }

    /// The patience of whoever waited for this has ended.
    pub(super) fn timeout(progress: &Progress, permits: &Permits) -> Self {
        let (step, observed) = progress.so_far();
        let error = if progress.is_unpermitted() {
            CacheError::Limited(permits.connections.variable)
        } else {
            CacheError::Timeout
        };
        Self {
            error,
            step,
            observed,
        }
    }
}

/// Whose connection is wanted.
#[derive(Clone, Debug)]
pub struct Login {
    /// Which of the candidates.
    pub candidate: u32,
    /// Its method in logs.
    pub method: &'static str,
    /// What it authenticates with.
    pub secret: Secret,
}

/// How a connection is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Ask {
    /// By whom.
    pub caller: Caller,
    /// Within this.
    pub budget: Duration,
    /// Not the kept one.
    pub new: bool,
}

/// An attempt to connect that is under way.
pub(in crate::cache) type Attempt = SharedTask<Result<Connection, ConnectFailure>>;
