//! What every provider of the capabilities must get right, whatever it connects with.
//!
//! The standalone host and the Spin provider read the same variables, speak the same identity protocol
//! and meet the same error replies. The rules for that are here, once, and are pure: no clock, no
//! network, no environment.

pub mod client_credentials;
pub mod config;
pub mod connection_string;
pub mod developer_tool;
mod failure;
pub mod identity;
mod identity_error;
pub mod jwt;
pub mod managed_identity;
pub mod operator;
pub mod rate;
pub mod reply;
pub mod schedule;
pub mod shape;
pub mod token_life;

pub use config::{Config, ConfigError, Variables};
pub use secrecy::{ExposeSecret, SecretString, zeroize};
