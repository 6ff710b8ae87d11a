//! The checks of callers: those who ask at the same time share one, and those who ask for more than there are
//! permits for share the last one's result.

use crate::cache::Cache;
use crate::clock;
use crate::component::Health;
use crate::sample::Sample;
use crate::task::{self, SharedTask};
use crate::verdict::{self, Proof};
use cache_health_provider::rate::Caller;
use parking_lot::{Mutex, MutexGuard};
use std::sync::Arc;
use std::time::Duration;

/// How old the last caller's result may be and still answer another.
const YOUNG: Duration = Duration::from_secs(1);

type Flight = SharedTask<Arc<Sample>>;

/// The checks that callers cause.
pub struct Flights {
    health: Health,
    cache: Arc<Cache>,
    kept: Arc<Checks>,
    new_connection: Arc<Checks>,
}

/// The checks of one proof: the one under way, and the last one's result. Never a background sample's.
#[derive(Default)]
struct Checks(Mutex<State>);

#[derive(Default)]
struct State {
    under_way: Option<Flight>,
    last: Option<Arc<Sample>>,
}

impl Flights {
    /// No check under way.
    pub fn of(health: Health, cache: &Arc<Cache>) -> Self {
        Self {
            health,
            cache: Arc::clone(cache),
            kept: Arc::default(),
            new_connection: Arc::default(),
        }
    }

    /// Makes a check, or joins the one under way. Where there is no permit for one more, the last caller's
    /// result answers if it is young enough.
    pub async fn check(&self, proof: Proof) -> Arc<Sample> {
        let checks = match proof {
            Proof::Kept => &self.kept,
            Proof::NewConnection => &self.new_connection,
        };
        let flight = {
            let mut state = checks.lock();
            // One that is over and still there panicked.
            if let Some(flight) = state.under_way.clone().filter(|f| f.peek().is_none()) {
                flight
            } else {
                let young = |last: &&Arc<Sample>| clock::since(last.at) <= YOUNG;
                if let Some(last) = state.last.as_ref().filter(young)
                    && !self.cache.permits.checks.has(Caller::Request)
                {
                    return Arc::clone(last);
                }
                let flight = start(Arc::clone(checks), self.health.clone(), proof);
                state.under_way = Some(flight.clone());
                flight
            }
        };
        flight.await
    }
}

impl Checks {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock()
    }
}

/// A task of its own: a client that goes away strands nobody.
fn start(checks: Arc<Checks>, health: Health, proof: Proof) -> Flight {
    let task = tokio::spawn(async move {
        let asked = clock::now();
        let report = verdict::fresh(&health, proof).await;
        let sample = Arc::new(Sample::new(report, asked));
        let mut state = checks.lock();
        state.under_way = None;
        state.last = Some(Arc::clone(&sample));
        drop(state);
        sample
    });
    task::shared(task, || {
        let report = verdict::internal("the check was broken off");
        Arc::new(Sample::new(report, clock::now()))
    })
}
