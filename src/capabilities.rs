//! What the health component asks of whoever hosts it, in its own words.
//!
//! [`crate::host`] implements [`Capabilities`] over the imports of the WIT world; tests of the
//! logic implement it in a few lines.

use cache_health_diagnosis::Spelling;
use cache_health_report::{AuthMethod, Evidence, Failure, Step, Tls};
use std::time::Duration;

/// Which credentials may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthPolicy {
    /// In order of preference, an access key only as a fallback.
    Auto,
    /// Microsoft Entra only.
    Entra,
    /// An access key only.
    AccessKey,
}

/// What to check, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub auth: AuthPolicy,
    pub deadline: Duration,
    pub max_age: Duration,
    pub host: String,
    pub port: u16,
    pub health_key: String,
    pub spelling: Spelling,
    pub warnings: Vec<Failure>,
}

/// One way to authenticate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub id: u32,
    pub method: AuthMethod,
    pub label: String,
}

/// What may be known of a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialFacts {
    pub principal: Option<String>,
    pub expires_at: Option<i64>,
    pub renewal_failure: Option<Failure>,
    pub evidence: Evidence,
}

/// Where a connection comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// It was made for this check.
    #[default]
    New,
    /// It was kept from an earlier check.
    Kept,
    /// It was made for a caller who had gone when it was there.
    Unclaimed,
}

/// What was observed of a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Session {
    pub steps: Vec<(Step, Duration)>,
    pub origin: Origin,
    pub tls: Option<Tls>,
    pub evidence: Evidence,
}

/// A connection that could not be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectFailure {
    pub failure: Failure,
    pub step: Step,
    pub session: Session,
}

/// The capabilities, and the clocks.
pub trait Capabilities {
    /// A credential that can be used and not read.
    type Credential;
    /// An authenticated connection.
    type Connection;

    async fn settings(&self) -> Result<Settings, Failure>;
    async fn candidates(&self) -> Vec<Candidate>;
    async fn acquire(&self, candidate: u32, budget: Duration) -> Result<Self::Credential, Failure>;
    fn facts(&self, credential: &Self::Credential) -> CredentialFacts;
    async fn connect(
        &self,
        credential: &Self::Credential,
        budget: Duration,
        new_connection: bool,
    ) -> Result<Self::Connection, ConnectFailure>;
    fn session(&self, connection: &Self::Connection) -> Session;
    async fn set(
        &self,
        connection: &Self::Connection,
        value: &[u8],
        ttl_seconds: u32,
        budget: Duration,
    ) -> Result<(), Failure>;
    async fn get(
        &self,
        connection: &Self::Connection,
        budget: Duration,
    ) -> Result<Option<Vec<u8>>, Failure>;

    /// A monotonic clock.
    fn now(&self) -> Duration;
    /// Seconds since 1970-01-01T00:00:00Z.
    fn wall_clock(&self) -> i64;
    /// Returns after this long.
    async fn wait(&self, duration: Duration);
}
