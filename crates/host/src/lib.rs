//! The own host: the health component on wasmtime, with Redis over rustls and Entra tokens.
//!
//! [`environment`] and [`cli`] say what is configured, [`provider`] holds the secrets and the
//! connection, [`capabilities`] is the door to the guests, [`component`] runs them, and [`check`]
//! asks for a verdict.

mod cache;
mod capabilities;
pub mod check;
pub mod cli;
mod component;
pub mod environment;
mod identity;
pub mod logging;
mod provider;
mod text;

pub use component::Runtime;
pub use provider::Provider;
