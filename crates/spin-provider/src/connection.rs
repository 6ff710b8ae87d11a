//! The connection of this instance: kept between its requests, replaced when it broke or its
//! credential changed.

use crate::error_text::{self, Said};
use crate::{address, clock, permits, variables};
use cache_health_provider::rate::Caller;
use cache_health_provider::reply::ErrorReply;
use cache_health_provider::{ExposeSecret as _, SecretString};
use spin_sdk::redis::{self, RedisParameter, RedisResult};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

/// Why a call failed.
#[derive(Clone, Debug)]
pub enum ConnectionError {
    /// Redis, TLS or the network, as far as Spin says.
    Said(Said),
    /// The manifest does not allow the address, or it cannot be parsed.
    NotAllowed,
    /// Spin's own limit of connections is reached.
    TooMany,
    /// There was no permit for a new connection in time.
    Limited,
    /// The budget passed.
    Timeout,
}

impl ConnectionError {
    /// Whether Redis refused the credential.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Said(Said::ErrorReply(ErrorReply::AuthRejected)))
    }
}

/// A connection, and what it was made with.
#[derive(Clone)]
pub struct Connection {
    inner: Rc<redis::Connection>,
    login: Login,
    /// Whether it was kept from an earlier request.
    pub reused: bool,
    /// How long it took to make.
    pub took: Duration,
}

/// What has to be the same for a kept connection to be used: where to, and as whom with which
/// password (by how often that has changed).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    pub host: String,
    pub port: u16,
    /// The database.
    pub database: u32,
    /// The key that is written and read there.
    pub key: String,
    pub user: String,
    pub generation: u64,
}

/// How a connection is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Ask {
    /// Within this time.
    pub budget: Duration,
    /// Not the kept one.
    pub new: bool,
    /// How many are made in a second, at most.
    pub per_second: u32,
}

thread_local! {
    static KEPT: RefCell<Option<Connection>> = const { RefCell::new(None) };
}

/// The kept connection, or a new one. Spin does not let a live connection authenticate again
/// without recording the token in a trace, so a renewed token means a new connection.
pub async fn connect(
    login: Login,
    password: &SecretString,
    ask: Ask,
) -> Result<Connection, ConnectionError> {
    let kept = KEPT.with_borrow(|kept| kept.clone());
    if let Some(connection) = kept.filter(|kept| !ask.new && kept.login == login) {
        return Ok(Connection {
            reused: true,
            ..connection
        });
    }
    // Whoever asks for new ones takes none from a probe that has no other.
    let caller = if ask.new {
        Caller::Request
    } else {
        Caller::Sampler
    };
    let asked = clock::now();
    if !permits::connection(caller, ask.per_second, ask.budget).await {
        return Err(ConnectionError::Limited);
    }
    let started = clock::now();
    let budget = ask.budget.saturating_sub(started.saturating_sub(asked));
    let address = address::of(&login, password);
    let opened = clock::within(budget, redis::Connection::open(address.expose_secret())).await;
    let inner = opened.ok_or(ConnectionError::Timeout)?.map_err(|error| {
        let error = convert(error);
        if matches!(error, ConnectionError::Said(Said::ErrorReply(_))) {
            variables::forget();
        }
        error
    })?;
    let connection = Connection {
        inner: Rc::new(inner),
        login,
        reused: false,
        took: clock::now().saturating_sub(started),
    };
    KEPT.set(Some(connection.clone()));
    Ok(connection)
}

/// `SET <key> <value> EX <ttl>`.
pub async fn set(
    connection: &Connection,
    value: Vec<u8>,
    ttl: u32,
    budget: Duration,
) -> Result<(), ConnectionError> {
    let arguments = vec![
        RedisParameter::Binary(connection.login.key.as_bytes().to_vec()),
        RedisParameter::Binary(value),
        RedisParameter::Binary(b"EX".to_vec()),
        RedisParameter::Int64(ttl.into()),
    ];
    match execute(connection, "SET", arguments, budget)
        .await?
        .as_slice()
    {
        [RedisResult::Status(_)] => Ok(()),
        _ => Err(ConnectionError::Said(Said::Protocol)),
    }
}

/// `GET <key>`.
pub async fn get(
    connection: &Connection,
    budget: Duration,
) -> Result<Option<Vec<u8>>, ConnectionError> {
    let key = connection.login.key.as_bytes().to_vec();
    let arguments = vec![RedisParameter::Binary(key)];
    match execute(connection, "GET", arguments, budget)
        .await?
        .as_slice()
    {
        [RedisResult::Binary(value)] => Ok(Some(value.clone())),
        [RedisResult::Status(value)] => Ok(Some(value.clone().into_bytes())),
        [RedisResult::Nil] | [] => Ok(None),
        _ => Err(ConnectionError::Said(Said::Protocol)),
    }
}

async fn execute(
    connection: &Connection,
    command: &str,
    arguments: Vec<RedisParameter>,
    budget: Duration,
) -> Result<Vec<RedisResult>, ConnectionError> {
    let call = connection.inner.execute(command, arguments);
    let result = match clock::within(budget, call).await {
        Some(result) => result.map_err(convert),
        None => Err(ConnectionError::Timeout),
    };
    // Only Redis' own error replies leave a connection in a known state, and one that is not
    // authenticated any more is of no use either.
    let usable = match &result {
        Ok(_) => true,
        Err(ConnectionError::Said(Said::ErrorReply(reply))) => *reply != ErrorReply::AuthRequired,
        Err(_) => false,
    };
    if !usable {
        discard(connection);
    }
    result
}

/// Forgets a connection, if it is still the kept one.
fn discard(connection: &Connection) {
    KEPT.with_borrow_mut(|kept| {
        if kept
            .as_ref()
            .is_some_and(|kept| Rc::ptr_eq(&kept.inner, &connection.inner))
        {
            *kept = None;
        }
    });
}

fn convert(error: redis::Error) -> ConnectionError {
    match error {
        redis::Error::InvalidAddress => ConnectionError::NotAllowed,
        redis::Error::TooManyConnections => ConnectionError::TooMany,
        redis::Error::TypeError => ConnectionError::Said(Said::Protocol),
        redis::Error::Other(text) => ConnectionError::Said(error_text::read(&text)),
    }
}
