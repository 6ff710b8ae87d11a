//! What the health component asks of whoever hosts it, in its own words.
//!
//! [`crate::host`] implements [`Capabilities`] over the imports of the WIT world; tests of the
//! logic implement it in a few lines.

use cache_health_report::{AuthMethod, Step, Tls};
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
    pub key: String,
}

/// A setting that cannot be used. The message names the variable and never holds its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    pub variable: String,
    pub message: String,
}

/// One way to authenticate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub id: u32,
    pub method: AuthMethod,
    pub label: String,
}

/// Why no answer that could be a token was had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenUnavailable {
    Unreachable,
    Timeout,
    Status(u16),
    NotAToken,
}

/// Why the identity endpoint's answer will stay a no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenRejected {
    Status(u16),
    NotAJwt,
    NoObjectId,
    /// This many seconds ago.
    Expired(i64),
}

/// Why a credential could not be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialError {
    TokenUnavailable(TokenUnavailable),
    TokenRejected(TokenRejected),
    /// The file with the credential cannot be used.
    Unreadable(ConfigError),
    Other(String),
}

/// What may be known of a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialFacts {
    pub principal: Option<String>,
    pub expires_at: Option<i64>,
    pub renewal_failure: Option<CredentialError>,
}

/// Why a step on the connection failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedisError {
    Dns,
    Connect,
    TlsUntrusted,
    TlsHostname,
    TlsExpired,
    TlsProtocol,
    AuthRejected,
    AuthRequired,
    PermissionDenied,
    Loading,
    ReadOnly,
    OutOfMemory,
    Moved { slot: u16, endpoint: String },
    ServerError(String),
    Closed,
    Timeout,
    Protocol,
    Other(String),
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
}

/// A connection that could not be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectFailure {
    pub error: RedisError,
    pub step: Step,
    pub session: Session,
}

/// The capabilities, and the clocks.
pub trait Capabilities {
    /// A credential that can be used and not read.
    type Credential;
    /// An authenticated connection.
    type Connection;

    async fn settings(&self) -> Result<Settings, ConfigError>;
    async fn candidates(&self) -> Vec<Candidate>;
    async fn acquire(
        &self,
        candidate: u32,
        budget: Duration,
    ) -> Result<Self::Credential, CredentialError>;
    fn facts(&self, credential: &Self::Credential) -> CredentialFacts;
    async fn connect(
        &self,
        credential: &Self::Credential,
        budget: Duration,
        fresh: bool,
    ) -> Result<Self::Connection, ConnectFailure>;
    fn session(&self, connection: &Self::Connection) -> Session;
    async fn set(
        &self,
        connection: &Self::Connection,
        value: &[u8],
        ttl_seconds: u32,
        budget: Duration,
    ) -> Result<(), RedisError>;
    async fn get(
        &self,
        connection: &Self::Connection,
        budget: Duration,
    ) -> Result<Option<Vec<u8>>, RedisError>;

    /// A monotonic clock.
    fn now(&self) -> Duration;
    /// Seconds since 1970-01-01T00:00:00Z.
    fn wall_clock(&self) -> i64;
    /// Returns after this long.
    async fn wait(&self, duration: Duration);
}
