//! The own host: the health component on wasmtime, with Redis over rustls and Entra tokens.
//!
//! [`environment`] and [`cli`] say what is configured, [`provider`] holds the secrets and the
//! connection, [`capabilities`] is the door to the guests, [`component`] runs them, [`check`]
//! asks for one verdict and [`serve`] for one after the other.

mod cache;
mod capabilities;
pub mod check;
pub mod cli;
mod clock;
mod component;
pub mod environment;
mod files;
pub mod hardening;
mod hedge;
mod identity;
pub mod logging;
mod provider;
pub mod serve;
mod text;
mod verdict;
