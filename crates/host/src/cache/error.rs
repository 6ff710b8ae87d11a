//! Why a step on the connection failed, and how redis-rs' errors become that.

use crate::cache::tls;
use cache_health_provider::reply::ErrorReply;
use redis::{ErrorKind, RedisError};
use std::error::Error;
use std::io;
use std::sync::Arc;

/// Why a step failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CacheError {
    /// The host name does not resolve.
    Dns,
    /// Refused, or no address is reachable.
    Connect,
    /// The certificate is not from a trusted issuer.
    TlsUntrusted,
    /// The certificate is for another name.
    TlsHostname,
    /// The certificate is outside its dates.
    TlsExpired,
    /// An alert, no common version, or bytes that are not TLS.
    TlsProtocol,
    /// Redis answered with an error.
    ErrorReply(ErrorReply),
    /// Redis sent the command to another node of the cluster, which could not be used.
    Node {
        /// Where to.
        reply: ErrorReply,
        /// Why not: a kind.
        problem: &'static str,
    },
    /// The connection ended.
    Closed,
    /// The budget or our own limit passed.
    Timeout,
    /// There was no permit in time: more is asked for than this variable allows (see
    /// [`crate::cache::permits`]).
    Limited(&'static str),
    /// A reply that is not of the Redis protocol.
    Protocol,
}

impl CacheError {
    /// Whether the connection may still be used after this: only Redis' own error replies leave
    /// it in a known state.
    pub fn leaves_connection_usable(&self) -> bool {
        matches!(self, Self::ErrorReply(_) | Self::Node { .. })
    }
}

impl From<RedisError> for CacheError {
    fn from(error: RedisError) -> Self {
        // An error reply has a code; its text is judged in one place and goes no further.
        if let Some(code) = error.code() {
            let line = format!("{code} {}", error.detail().unwrap_or_default());
            return Self::ErrorReply(ErrorReply::of(&line));
        }
        match error.kind() {
            _ if has_tls_error(&error) => Self::TlsProtocol,
            _ if is_past_the_bound(&error) => Self::Protocol,
            ErrorKind::Parse | ErrorKind::UnexpectedReturnType => Self::Protocol,
            _ => Self::Closed,
        }
    }
}

/// The error of input and output inside, if it is one.
fn io_error(error: &RedisError) -> Option<&io::Error> {
    let source = error.source()?;
    // redis-rs keeps what caused an error in an Arc.
    source
        .downcast_ref::<Arc<dyn Error + Send + Sync>>()
        .and_then(|source| source.downcast_ref::<io::Error>())
        .or_else(|| source.downcast_ref::<io::Error>())
}

/// Whether TLS failed after the handshake: an alert that came late.
fn has_tls_error(error: &RedisError) -> bool {
    io_error(error).is_some_and(|error| tls::rustls_error(error).is_some())
}

/// Whether [`crate::cache::bounded`] broke a reply off.
fn is_past_the_bound(error: &RedisError) -> bool {
    io_error(error).is_some_and(|error| error.kind() == io::ErrorKind::InvalidData)
}
