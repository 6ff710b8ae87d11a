//! The two commands, to whichever node of a cluster serves the key.

use crate::cache::connection::{self, Unanswered};
use crate::cache::dial::{self, Endpoint, Progress};
use crate::cache::kept::Cache;
use crate::cache::{CacheError, Connection, Origin};
use cache_health_provider::rate::Caller;
use cache_health_provider::reply::Reply;
use redis::Value;
use redis::aio::MultiplexedConnection;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::{debug, info};

impl Cache {
    /// `SET <key> <value> EX <ttl>`.
    pub async fn set(
        self: &Arc<Self>,
        connection: &Connection,
        value: &[u8],
        ttl_seconds: u32,
        budget: Duration,
    ) -> Result<(), CacheError> {
        let until = Instant::now() + budget;
        if let Some(check) = connection
            .check
            .as_deref()
            .filter(|check| !check.takes_set())
        {
            self.permits.checks.take(check.caller, budget).await?;
            check.renew_get();
        }
        let command = || {
            let mut command = redis::cmd("SET");
            command.arg(&self.key).arg(value).arg("EX").arg(ttl_seconds);
            command
        };
        // Anything but OK is no answer to a SET without conditions.
        match self.run::<String>(connection, "SET", command, until).await {
            Ok(reply) if reply != "OK" => Err(CacheError::Protocol),
            result => result.map(drop),
        }
    }

    /// `GET <key>`.
    pub async fn get(
        self: &Arc<Self>,
        connection: &Connection,
        budget: Duration,
    ) -> Result<Option<Vec<u8>>, CacheError> {
        let until = Instant::now() + budget;
        if let Some(check) = connection
            .check
            .as_deref()
            .filter(|check| !check.takes_get())
        {
            self.permits.checks.take(check.caller, budget).await?;
        }
        let command = || {
            let mut command = redis::cmd("GET");
            command.arg(&self.key);
            command
        };
        let value = self.run(connection, "GET", command, until).await;
        if value.is_ok() && connection.origin != Origin::Kept {
            self.promote(connection);
        }
        value
    }

    async fn run<T: redis::FromRedisValue>(
        self: &Arc<Self>,
        connection: &Connection,
        name: &'static str,
        command: impl Fn() -> redis::Cmd,
        until: Instant,
    ) -> Result<T, CacheError> {
        let left = || until.saturating_duration_since(Instant::now());
        let mut result = self.query(connection, command(), left()).await;
        if let Err(CacheError::Reply(Reply::Moved { slot, endpoint })) = &result
            && self.follow(connection, *slot, endpoint, until).await
        {
            result = self.query(connection, command(), left()).await;
        }
        self.log(connection, name, result.as_ref().err());
        let value = result?;
        redis::from_redis_value(value).map_err(|_| CacheError::Protocol)
    }

    /// Sends a command. A connection that failed is given up; one that is only late is not, since the
    /// budget may be anybody's and the connection is everybody's: it has the host's own limit.
    async fn query(
        self: &Arc<Self>,
        connection: &Connection,
        command: redis::Cmd,
        budget: Duration,
    ) -> Result<Value, CacheError> {
        match connection.query(command, budget.min(self.limit)).await {
            Ok(value) => Ok(value),
            Err(Unanswered::Failed(error)) => {
                if !error.leaves_connection_usable() {
                    self.discard(connection);
                }
                Err(error)
            }
            Err(Unanswered::Late(reply)) => {
                if connection.may_be_watched() {
                    let (cache, connection) = (Arc::clone(self), connection.idle());
                    tokio::spawn(async move { cache.wait_for(&connection, reply).await });
                }
                Err(CacheError::Timeout)
            }
        }
    }

    /// Waits for a reply that is overdue, up to the host's own limit.
    async fn wait_for(&self, connection: &Connection, reply: connection::Reply) {
        let reply = tokio::time::timeout(self.limit, reply).await;
        let usable = match reply.unwrap_or(Err(CacheError::Timeout)) {
            Ok(_) => true,
            Err(error) => error.leaves_connection_usable(),
        };
        if !usable {
            self.discard(connection);
        }
        connection.is_not_watched();
    }

    /// Moves the connection to the node that serves the key: Azure Managed Redis with the OSS
    /// clustering policy and clustered Premium caches answer with an IP address and another port.
    ///
    /// Whoever answers there has to prove that it is the same service: its certificate is verified
    /// against the configured host name before the token is sent.
    async fn follow(
        self: &Arc<Self>,
        connection: &Connection,
        slot: u16,
        node: &str,
        until: Instant,
    ) -> bool {
        let Some((host, port)) = address(node, &self.endpoint.host) else {
            return false;
        };
        let endpoint = Endpoint {
            host,
            port,
            ..self.endpoint.clone()
        };
        let caller = connection
            .check
            .as_deref()
            .map_or(Caller::Request, |check| check.caller);
        let (cache, moving, to) = (Arc::clone(self), connection.clone(), node.to_owned());
        // Not cancelled when the check has no more time: the next one finds it done. One at a time,
        // however many commands are told to move.
        let dialling = tokio::spawn(async move {
            let dial = async {
                let _one = moving.moving.lock().await;
                if !moving.is_at(&to) {
                    moving.move_to(&to, cache.dial_node(&endpoint, &moving, caller).await?);
                }
                Ok(())
            };
            // Waiting for its turn counts too: more could queue than a node that hangs lets through.
            let moved = tokio::time::timeout(cache.limit, dial).await;
            moved.unwrap_or(Err(CacheError::Timeout))
        });
        let arrived = tokio::time::timeout_at(until.into(), dialling).await;
        match arrived {
            Ok(Ok(Ok(()))) => {
                info!(slot, node, "MOVED; followed");
                true
            }
            failed => {
                debug!(slot, node, ?failed, "MOVED; could not be followed");
                false
            }
        }
    }

    /// A connection to a node, authenticated with what the connection to be moved has in the end: its
    /// secret may be renewed in the meantime.
    async fn dial_node(
        &self,
        endpoint: &Endpoint,
        moving: &Connection,
        caller: Caller,
    ) -> Result<MultiplexedConnection, CacheError> {
        let secret = moving.secret();
        let permission = self.permission(caller);
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
