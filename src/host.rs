//! The door: the capabilities over the imports of the world.

use crate::bindings::cache_health::capabilities::{credentials, redis, settings};
use crate::capabilities::{
    Candidate, Capabilities, ConnectFailure, CredentialFacts, Session, Settings,
};
use crate::convert;
use cache_health_report::Failure;
use std::time::Duration;
use wasi::clocks::{monotonic_clock, system_clock};

/// The host this component runs in.
pub struct Host;

impl Capabilities for Host {
    type Credential = credentials::Credential;
    type Connection = redis::Connection;

    async fn settings(&self) -> Result<Settings, Failure> {
        match settings::get().await {
            Ok(settings) => convert::settings_from_wit(settings),
            Err(failure) => Err(convert::failure_from_wit(failure)),
        }
    }

    async fn candidates(&self) -> Vec<Candidate> {
        let configured = credentials::configured().await;
        configured
            .into_iter()
            .filter_map(convert::candidate_from_wit)
            .collect()
    }

    async fn acquire(&self, candidate: u32, budget: Duration) -> Result<Self::Credential, Failure> {
        credentials::Credential::acquire(candidate, convert::nanoseconds(budget))
            .await
            .map_err(convert::failure_from_wit)
    }

    fn facts(&self, credential: &Self::Credential) -> CredentialFacts {
        convert::facts_from_wit(credential.describe())
    }

    async fn connect(
        &self,
        credential: &Self::Credential,
        budget: Duration,
        new_connection: bool,
    ) -> Result<Self::Connection, ConnectFailure> {
        let options = redis::ConnectOptions {
            budget: convert::nanoseconds(budget),
            new_connection,
        };
        redis::Connection::connect(credential, options)
            .await
            .map_err(convert::connect_failure_from_wit)
    }

    fn session(&self, connection: &Self::Connection) -> Session {
        convert::session_from_wit(connection.session())
    }

    async fn set(
        &self,
        connection: &Self::Connection,
        value: &[u8],
        ttl_seconds: u32,
        budget: Duration,
    ) -> Result<(), Failure> {
        connection
            .set(value.to_vec(), ttl_seconds, convert::nanoseconds(budget))
            .await
            .map_err(convert::failure_from_wit)
    }

    async fn get(
        &self,
        connection: &Self::Connection,
        budget: Duration,
    ) -> Result<Option<Vec<u8>>, Failure> {
        connection
            .get(convert::nanoseconds(budget))
            .await
            .map_err(convert::failure_from_wit)
    }

    fn now(&self) -> Duration {
        Duration::from_nanos(monotonic_clock::now())
    }

    fn wall_clock(&self) -> i64 {
        system_clock::now().seconds
    }

    async fn wait(&self, duration: Duration) {
        monotonic_clock::wait_for(convert::nanoseconds(duration)).await;
    }
}
