//! Components on wasmtime: loaded, linked to what they may use, kept warm.

#[cfg(feature = "component")]
mod custom;
mod engine;
mod health;
mod limits;
mod report;
mod state;

#[cfg(feature = "component")]
pub use custom::{Runtime, RuntimeError};
pub use health::{Embedded, Health, HealthError};
