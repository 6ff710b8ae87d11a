//! Components on wasmtime: loaded, linked to what they may use, kept warm.

mod engine;
#[cfg(feature = "component")]
mod foreign;
mod health;
mod limits;
mod report;
mod state;

#[cfg(feature = "component")]
pub use foreign::{Runtime, RuntimeError};
pub use health::{Embedded, Health};
