//! Following a cluster: `MOVED` to the node that serves the key, `ASK` to the node that its slot is being moved to.
//!
//! Azure Managed Redis with the OSS clustering policy and clustered Premium caches answer with an IP address and another
//! port. Whoever answers there has to prove that it is the same service: its certificate is verified against the
//! configured host name before the token is sent.

use crate::cache::dial::{self, Endpoint, Progress};
use crate::cache::pool::Cache;
use crate::cache::{CacheError, Connection};
use cache_health_provider::rate::Caller;
use cache_health_provider::reply::ErrorReply;
use cache_health_report::Failure;
use redis::Value;
use redis::aio::MultiplexedConnection;
use std::sync::Arc;
use std::time::Instant;
use tracing::{debug, info};

/// Where a command has to go instead.
#[derive(Clone, Copy, Debug)]
pub struct Elsewhere<'a> {
    slot: u16,
    /// `address:port`.
    node: &'a str,
    /// Only this command, and not those after it.
    once: bool,
}

impl<'a> Elsewhere<'a> {
    /// What a reply says.
    pub fn of(reply: &'a ErrorReply) -> Option<Self> {
        let (slot, node, once) = match reply {
            ErrorReply::Moved { slot, endpoint } => (*slot, endpoint, false),
            ErrorReply::Ask { slot, endpoint } => (*slot, endpoint, true),
            _ => return None,
        };
        Some(Self { slot, node, once })
    }

    /// The error when the node could not be used.
    pub fn failed(self, reply: &ErrorReply, error: &CacheError) -> CacheError {
        if let CacheError::ErrorReply(error) = error {
            // The node took the command, and what it says of it is the answer.
            if Elsewhere::of(error).is_none() && *error != ErrorReply::AuthRejected {
                return CacheError::ErrorReply(error.clone());
            }
        }
        let problem = Failure::from(error).kind.as_str();
        debug!(
            slot = self.slot,
            node = self.node,
            problem,
            "could not be followed"
        );
        CacheError::Node {
            reply: reply.clone(),
            problem,
        }
    }
}

impl Cache {
    /// Runs a command where it has to go instead.
    pub(super) async fn follow(
        self: &Arc<Self>,
        connection: &Connection,
        elsewhere: Elsewhere<'_>,
        command: redis::Cmd,
        until: Instant,
    ) -> Result<Value, CacheError> {
        let endpoint = self.node(elsewhere.node).ok_or(CacheError::Protocol)?;
        if elsewhere.once {
            return self
                .ask(connection, elsewhere, endpoint, command, until)
                .await;
        }
        self.move_to(connection, elsewhere, endpoint, until).await?;
        let left = until.saturating_duration_since(Instant::now());
        self.query(connection, command, left).await
    }

    fn node(&self, node: &str) -> Option<Endpoint> {
        let (host, port) = address(node, &self.endpoint.host)?;
        Some(Endpoint {
            host,
            port,
            ..self.endpoint.clone()
        })
    }

    /// Moves the connection to the node that serves the key.
    async fn move_to(
        self: &Arc<Self>,
        connection: &Connection,
        elsewhere: Elsewhere<'_>,
        endpoint: Endpoint,
        until: Instant,
    ) -> Result<(), CacheError> {
        let (cache, moving) = (Arc::clone(self), connection.clone());
        let to = elsewhere.node.to_owned();
        // Not cancelled when the check has no more time: the next one finds it done. One at a time,
        // however many commands are told to move.
        let dialling = tokio::spawn(async move {
            let dial = async {
                let _one = moving.moving.lock().await;
                if !moving.is_at(&to) {
                    moving.move_to(&to, cache.dial_node(&endpoint, &moving).await?);
                }
                Ok(())
            };
            // Waiting for its turn counts too: more could queue than a node that hangs lets through.
            let moved = tokio::time::timeout(cache.limit, dial).await;
            moved.unwrap_or(Err(CacheError::Timeout))
        });
        let arrived = tokio::time::timeout_at(until.into(), dialling).await;
        let arrived = arrived.map_err(|_| CacheError::Timeout)?;
        // It panicked, or the runtime is going away.
        arrived.unwrap_or(Err(CacheError::Closed))?;
        info!(
            slot = elsewhere.slot,
            node = elsewhere.node,
            "MOVED; followed"
        );
        Ok(())
    }

    /// Runs one command at the node that the slot is being moved to.
    async fn ask(
        &self,
        connection: &Connection,
        elsewhere: Elsewhere<'_>,
        endpoint: Endpoint,
        command: redis::Cmd,
        until: Instant,
    ) -> Result<Value, CacheError> {
        let asked = async {
            let mut asking = connection.asking.lock().await;
            let mut redis = match asking.take() {
                Some((node, redis)) if node == elsewhere.node => redis,
                _ => self.dial_node(&endpoint, connection).await?,
            };
            let mut pipe = redis::pipe();
            pipe.cmd("ASKING").ignore().add_command(command);
            let (value,): (Value,) = pipe.query_async(&mut redis).await?;
            *asking = Some((elsewhere.node.to_owned(), redis));
            info!(
                slot = elsewhere.slot,
                node = elsewhere.node,
                "ASK; followed"
            );
            Ok(value)
        };
        let asked = tokio::time::timeout_at(until.into(), asked).await;
        asked.unwrap_or(Err(CacheError::Timeout))
    }

    /// A connection to a node, authenticated with what the connection to be moved has in the end: its
    /// secret may be renewed in the meantime.
    async fn dial_node(
        &self,
        endpoint: &Endpoint,
        moving: &Connection,
    ) -> Result<MultiplexedConnection, CacheError> {
        let secret = moving.secret();
        let check = moving.check.as_deref();
        let permission = self.permission(check.map_or(Caller::Request, |check| check.caller));
        let mut redis = dial::dial(endpoint, &secret, &Progress::default(), permission).await?;
        let newest = moving.secret();
        if newest.generation != secret.generation {
            dial::authenticate(&mut redis, &newest).await?;
        }
        Ok(redis)
    }
}

/// The address in a `MOVED`. Redis leaves the host out, or says `?`, where it is the same one.
fn address(node: &str, configured: &str) -> Option<(String, u16)> {
    let (host, port) = node.rsplit_once(':')?;
    let host = match host.trim_matches(['[', ']']) {
        "" | "?" => configured,
        host => host,
    };
    Some((host.to_owned(), port.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_node_is_read() {
        let read = |node| address(node, "configured");
        let of = |host: &str, port| Some((host.to_owned(), port));
        assert_eq!(read("10.0.0.5:8501"), of("10.0.0.5", 8501));
        assert_eq!(read("node.test:15000"), of("node.test", 15000));
        assert_eq!(read("2001:db8::5:8501"), of("2001:db8::5", 8501));
        assert_eq!(read("[2001:db8::5]:8501"), of("2001:db8::5", 8501));
        assert_eq!(read(":8501"), of("configured", 8501));
        assert_eq!(read("?:8501"), of("configured", 8501));
        for unusable in ["8501", "host:", "host:99999", ""] {
            assert_eq!(read(unusable), None, "{unusable}");
        }
    }
}
