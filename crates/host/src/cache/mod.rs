//! The cache: one kept connection per credential, made once however many ask for it.

mod cluster;
mod commands;
mod connection;
mod counts;
mod dial;
mod error;
mod log;
mod permits;
mod pool;
mod presented;
mod reply_limit;
mod resolver;
pub mod tls;
mod tls_session;

pub use connection::{Connection, Origin};
pub use counts::Counts;
pub use dial::{DialStep, Endpoint, Observed};
pub use error::CacheError;
pub use pool::{Ask, Cache, ConnectFailure, Login};

use cache_health_provider::SecretString;
use std::sync::Arc;

/// What `AUTH` takes.
#[derive(Clone, Debug)]
pub struct Secret {
    /// The object id for Entra, `default` for an access key.
    pub user: String,
    /// The token or the access key.
    pub password: Arc<SecretString>,
    /// Counts up whenever the password changes: a connection knows which one it used.
    pub generation: u64,
}
