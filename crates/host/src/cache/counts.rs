//! What was done at the cache, counted for metrics.

use std::sync::atomic::{AtomicU64, Ordering};

/// How often something worked, and how often not.
#[derive(Debug, Default)]
pub struct Count {
    worked: AtomicU64,
    failed: AtomicU64,
}

impl Count {
    /// Counts one more.
    pub fn add(&self, worked: bool) {
        let count = if worked { &self.worked } else { &self.failed };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// How often it worked, and how often not.
    pub fn read(&self) -> [(&'static str, u64); 2] {
        [
            ("ok", self.worked.load(Ordering::Relaxed)),
            ("error", self.failed.load(Ordering::Relaxed)),
        ]
    }
}

/// What was done at a cache.
#[derive(Debug, Default)]
pub struct Counts {
    /// New connections, with TLS and AUTH.
    pub connections: Count,
    /// New tokens that were given to a live connection.
    pub reauthentications: Count,
}
