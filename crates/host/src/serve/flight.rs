//! Requests at the same time share one check.

use crate::component::Health;
use crate::serve::series::Sample;
use crate::verdict::{self, Proof};
use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use std::sync::{Arc, Mutex, PoisonError};

type Flight = Shared<BoxFuture<'static, Arc<Sample>>>;

/// The check of one kind under way, if there is one.
pub struct Flights {
    proof: Proof,
    under_way: Mutex<Option<Flight>>,
}

impl Flights {
    /// No check under way.
    pub fn of(proof: Proof) -> Arc<Self> {
        Arc::new(Self {
            proof,
            under_way: Mutex::default(),
        })
    }

    /// Makes a check or joins the one under way. It is a task of its own: a client that goes away
    /// strands nobody.
    pub async fn join(self: &Arc<Self>, health: &Health) -> Arc<Sample> {
        let flight = {
            let mut under_way = self
                .under_way
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            match &*under_way {
                // One that is over and still there panicked.
                Some(flight) if flight.peek().is_none() => flight.clone(),
                _ => {
                    let flight = self.start(health.clone());
                    *under_way = Some(flight.clone());
                    flight
                }
            }
        };
        flight.await
    }

    fn start(self: &Arc<Self>, health: Health) -> Flight {
        let flights = Arc::clone(self);
        let task = tokio::spawn(async move {
            let document = verdict::fresh(&health, flights.proof).await;
            let mut under_way = flights
                .under_way
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            *under_way = None;
            Arc::new(Sample::new(document))
        });
        async move {
            task.await.unwrap_or_else(|_| {
                Arc::new(Sample::new(verdict::internal("the check was broken off")))
            })
        }
        .boxed()
        .shared()
    }
}
