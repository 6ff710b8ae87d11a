//! Components on wasmtime: loaded, linked to what they may use, kept warm.

mod engine;
#[cfg(feature = "component")]
mod foreign;
mod health;
mod report;
mod state;

#[cfg(feature = "component")]
pub use foreign::Runtime;
pub use health::Health;
