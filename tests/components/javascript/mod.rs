//! The examples in JavaScript: an application that imports health, and a host that supplies its capabilities.

mod app;
mod host;

use crate::fixtures::told;
use std::path::PathBuf;

/// Where they were built.
fn folder() -> PathBuf {
    told("CACHE_HEALTH_JAVASCRIPT").into()
}
