//! How instances are kept: warm for as long as they work, replaced when they trap or hang.

use crate::component::custom::state::CustomState;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tracing::error;
use wasmtime::component::GuestTaskId;
use wasmtime::{Store, StoreContextMut};
use wasmtime_wasi_http::handler::{ShouldAccept, WorkerExpiration, WorkerState, WorkerStatus};

/// The most requests one instance serves at once; more start another instance.
const MAX_CONCURRENT: usize = 128;

/// Whether an instance has taken a request.
#[derive(Clone, Default)]
pub struct Taken(Arc<AtomicBool>);

impl Taken {
    /// Whether one has.
    pub fn is(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The instance's state towards the request handler.
pub struct Worker {
    /// How long a request may take before it is given up.
    pub request_limit: Duration,
    /// Whether the runtime is closed, so that instances end without having failed.
    pub closed: Arc<AtomicBool>,
}

impl WorkerState for Worker {
    type StoreData = CustomState;
    type RequestData = Taken;

    fn should_accept_request(&self, concurrent: usize, _total: usize) -> ShouldAccept {
        if concurrent < MAX_CONCURRENT {
            ShouldAccept::Yes
        } else {
            ShouldAccept::No
        }
    }

    fn on_request_start(
        &self,
        _store: StoreContextMut<'_, CustomState>,
        taken: Taken,
        _task: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + 'static + Send + Sync>> {
        taken.0.store(true, Ordering::Relaxed);
        Box::pin(tokio::time::sleep(self.request_limit))
    }

    fn drop(&self, _store: Store<CustomState>, result: Result<(), wasmtime::Error>) {
        if let Err(trap) = result
            && !self.closed.load(Ordering::Relaxed)
        {
            // With its frames, and what it was.
            let trap = format!("{trap:#}");
            error!(trap, "the component trapped; its instance is replaced");
        }
    }
}

/// When an instance is given up: never while it answers.
pub struct Expiration {
    /// How long a request may take, with time to spare for the limit of its own.
    pub limit: Duration,
    timer: Option<Pin<Box<tokio::time::Sleep>>>,
}

impl Expiration {
    /// Gives an instance up that has not answered for this long.
    pub fn after(limit: Duration) -> Self {
        Self { limit, timer: None }
    }
}

impl WorkerExpiration for Expiration {
    fn poll(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        status: WorkerStatus,
        start: Instant,
    ) -> Poll<()> {
        if status == WorkerStatus::Idle {
            self.timer = None;
            return Poll::Pending;
        }
        let until = tokio::time::Instant::from_std(start + self.limit);
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
        if timer.deadline() != until {
            timer.as_mut().reset(until);
        }
        timer.as_mut().poll(context)
    }
}
