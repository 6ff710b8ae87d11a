//! Components put together, and made machine code of.
//!
//! The build does it with the tool of this crate; the program does the first half of it when `serve --component` is
//! given a component that imports `health`.

pub mod engine;
#[cfg(feature = "graph")]
pub mod graph;
#[cfg(feature = "graph")]
pub mod mismatch;
