//! The two commands, to whichever node of a cluster serves the key.

use crate::cache::cluster::Elsewhere;
use crate::cache::connection::{self, Unanswered};
use crate::cache::pool::Cache;
use crate::cache::{CacheError, Connection, Origin};
use redis::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};

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
        if let Err(CacheError::ErrorReply(reply)) = &result
            && let Some(elsewhere) = Elsewhere::of(reply)
        {
            // Boxed: a check that goes nowhere else should not carry its state.
            let followed = Box::pin(self.follow(connection, elsewhere, command(), until));
            result = match followed.await {
                Ok(value) => Ok(value),
                Err(error) => Err(elsewhere.failed(reply, &error)),
            };
        }
        self.log(connection, name, result.as_ref().err());
        let value = result?;
        redis::from_redis_value(value).map_err(|_| CacheError::Protocol)
    }

    /// Sends a command. A connection that failed is given up; one that is only late is not, since the
    /// budget may be anybody's and the connection is everybody's: it has the host's own limit.
    pub(super) async fn query(
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
    async fn wait_for(&self, connection: &Connection, reply: connection::ErrorReply) {
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
}
