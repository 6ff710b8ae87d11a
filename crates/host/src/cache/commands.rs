//! The two commands, to whichever node of a cluster serves the key.

use crate::cache::dial::{self, Endpoint, Progress};
use crate::cache::kept::{ATTEMPT_LIMIT, Cache};
use crate::cache::{CacheError, Connection};
use cache_health_provider::reply::Reply;
use redis::aio::MultiplexedConnection;
use std::time::{Duration, Instant};
use tracing::{debug, info};

impl Cache {
    /// `SET <key> <value> EX <ttl>`.
    pub async fn set(
        &self,
        connection: &Connection,
        value: &[u8],
        ttl_seconds: u32,
        budget: Duration,
    ) -> Result<(), CacheError> {
        let mut command = redis::cmd("SET");
        command.arg(&self.key).arg(value).arg("EX").arg(ttl_seconds);
        // Anything but OK is no answer to a SET without conditions.
        match self
            .run::<String>(connection, "SET", &command, budget)
            .await
        {
            Ok(reply) if reply != "OK" => Err(CacheError::Protocol),
            result => result.map(drop),
        }
    }

    /// `GET <key>`.
    pub async fn get(
        &self,
        connection: &Connection,
        budget: Duration,
    ) -> Result<Option<Vec<u8>>, CacheError> {
        let mut command = redis::cmd("GET");
        command.arg(&self.key);
        let value = self.run(connection, "GET", &command, budget).await;
        if value.is_ok() && !connection.reused {
            self.promote(connection);
        }
        value
    }

    async fn run<T: redis::FromRedisValue>(
        &self,
        connection: &Connection,
        name: &'static str,
        command: &redis::Cmd,
        budget: Duration,
    ) -> Result<T, CacheError> {
        let until = Instant::now() + budget;
        let mut result = connection.query(command, budget).await;
        if let Err(CacheError::Reply(Reply::Moved { slot, endpoint })) = &result
            && self.follow(connection, *slot, endpoint, until).await
        {
            let left = until.saturating_duration_since(Instant::now());
            result = connection.query(command, left).await;
        }
        if result
            .as_ref()
            .is_err_and(|error| !error.leaves_connection_usable())
        {
            self.discard(connection);
        }
        self.log(connection, name, result.as_ref().err());
        result
    }

    /// Moves the connection to the node that serves the key: Azure Managed Redis with the OSS
    /// clustering policy and clustered Premium caches answer with an IP address and another port.
    ///
    /// Whoever answers there has to prove that it is the same service: its certificate is verified
    /// against the configured host name before the token is sent.
    async fn follow(&self, connection: &Connection, slot: u16, node: &str, until: Instant) -> bool {
        let Some((host, port)) = address(node, &self.endpoint.host) else {
            return false;
        };
        let endpoint = Endpoint {
            host,
            port,
            ..self.endpoint.clone()
        };
        let (moving, to) = (connection.clone(), node.to_owned());
        // Not cancelled when the check has no more time: the next one finds it done. One at a time,
        // however many commands are told to move.
        let dialling = tokio::spawn(async move {
            let dial = async {
                let _one = moving.moving.lock().await;
                if !moving.is_at(&to) {
                    moving.move_to(&to, dial_node(&endpoint, &moving).await?);
                }
                Ok(())
            };
            // Waiting for its turn counts too: more could queue than a node that hangs lets through.
            let moved = tokio::time::timeout(ATTEMPT_LIMIT, dial).await;
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
}

/// A connection to a node, authenticated with what the connection to be moved has in the end: its
/// secret may be renewed in the meantime.
async fn dial_node(
    endpoint: &Endpoint,
    moving: &Connection,
) -> Result<MultiplexedConnection, CacheError> {
    let secret = moving.secret();
    let mut redis = dial::dial(endpoint, &secret, &Progress::default()).await?;
    let newest = moving.secret();
    if newest.generation != secret.generation {
        dial::authenticate(&mut redis, &newest).await?;
    }
    Ok(redis)
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
