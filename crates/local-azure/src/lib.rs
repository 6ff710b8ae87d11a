//! A local stand-in for Azure, made of real parts: a real redis-server over TLS with real ACL
//! users, certificates minted when it starts, and an HTTP endpoint that speaks the managed
//! identity protocol of Container Apps. Microsoft Entra itself is not in it: a token here is a JWT
//! that nobody signed, and Redis knows it as the password of a user named by an object id, which
//! is how a client meets Azure's.

#[cfg(feature = "proxy")]
mod assertion;
#[cfg(feature = "proxy")]
pub mod black_hole;
pub mod certificates;
#[cfg(feature = "proxy")]
pub mod connect_proxy;
#[cfg(feature = "proxy")]
pub mod dns;
pub mod identity;
#[cfg(feature = "proxy")]
pub mod issuer;
#[cfg(feature = "proxy")]
mod listener;
pub mod port;
#[cfg(feature = "proxy")]
pub mod proxy;
pub mod redis;
#[cfg(feature = "proxy")]
pub mod resp;
pub mod token;

use anyhow::Result;
use certificates::{Authority, Leaf};
use identity::{Behaviour, IdentityEndpoint};
use redis::{RedisOptions, RedisServer};
use token::Token;

/// The port of Azure Cache for Redis.
pub const AZURE_PORT: u16 = 6380;
/// How long the stand-in's tokens live, in seconds: as long as Azure's for managed identities.
pub const TOKEN_LIFE: i64 = 24 * 60 * 60;

/// Everything that an app in Container Apps finds around it.
pub struct LocalAzure {
    /// The cache.
    pub redis: RedisServer,
    /// The identity endpoint; absent when the app has no identity.
    pub identity: Option<IdentityEndpoint>,
    /// The access key.
    pub access_key: String,
    /// The token that the identity endpoint hands out first.
    pub token: Token,
}

impl LocalAzure {
    /// Starts a cache that knows one identity and one access key, on this port if it is free.
    pub fn start(port: u16, with_identity: bool) -> Result<Self> {
        let authority = Authority::new("cache-health stand-in CA")?;
        let token = Token::mint(&token::object_id(), TOKEN_LIFE);
        let access_key = token::access_key();
        let redis = RedisServer::start(RedisOptions {
            port,
            chain: authority.issue(&Leaf::default())?,
            ca_pem: authority.pem(),
            access_key: access_key.clone(),
            users: vec![format!(
                "{} on >{} ~* &* +@all",
                token.object_id, token.text
            )],
            ..RedisOptions::default()
        })?;
        let identity = with_identity
            .then(|| IdentityEndpoint::start(Behaviour::Token(token.clone())))
            .transpose()?;
        Ok(Self {
            redis,
            identity,
            access_key,
            token,
        })
    }
}
