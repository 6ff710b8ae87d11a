//! The standalone host: the health component on wasmtime, with Redis over rustls and Entra tokens.
//!
//! **For a host of your own**: [`Provider`] holds the secrets and the connection, and
//! [`add_to_linker`] supplies a component with the capabilities over it. `examples/embedder` does that in about eighty lines.
//! The provider lives on tokio.
//!
//! ```no_run
//! # async fn provide() -> Result<(), Box<dyn std::error::Error>> {
//! use cache_health_host::{Capabilities, Provider};
//! use std::collections::HashMap;
//!
//! let variables = HashMap::from([("REDIS_HOST".to_owned(), "shop.redis.cache.windows.net".to_owned())]);
//! let provider = Provider::from_variables(&variables).await?;
//! // One for the data of each store:
//! let capabilities = Capabilities::of(provider);
//! # drop(capabilities);
//! # Ok(())
//! # }
//! ```
//!
//! **The program**:
//! [`environment`] and [`cli`] say what is configured, [`provider`] holds the secrets and the
//! connection, [`capabilities`] is the door to the guests, [`component`] runs them, [`check`]
//! asks for one verdict, [`doctor`] explains one, and [`serve`] asks for one after the other.

mod cache;
mod capabilities;
pub mod check;
pub mod cli;
mod clock;
mod component;
pub mod doctor;
pub mod environment;
pub mod epochs;
mod files;
pub mod hardening;
mod hedge;
mod http_client;
mod identity;
pub mod logging;
pub mod memory;
mod metrics;
mod provider;
mod replica;
mod sample;
pub mod serve;
mod shutdown;
mod spread;
pub mod targets;
mod task;
mod telemetry;
mod terminal;
mod text;
mod verdict;

pub use cache_health_provider::{Config, ConfigError, Variables};
pub use capabilities::{Capabilities, CapabilitiesHost, CapabilitiesView, add_to_linker, bindings};
pub use provider::Provider;
