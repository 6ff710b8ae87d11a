//! `cache-health doctor`, as people run it: without a terminal, on a terminal, beside a `serve`.

mod beside;
mod faults;
mod output;

pub use faults::diagnose;
