//! Components on wasmtime: loaded, linked to what they may use, kept warm.

#[cfg(feature = "component")]
mod foreign;
mod runtime;
mod state;
mod worker;

pub use runtime::Runtime;

/// The composed component, precompiled by `build.rs`.
static EMBEDDED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/cache-health.cwasm"));
