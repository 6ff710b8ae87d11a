//! Other people's components, which `serve --component` runs.

mod compile;
mod output;
mod runtime;
mod state;
mod worker;

pub use runtime::{Runtime, RuntimeError};
