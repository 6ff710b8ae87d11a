//! What guests may use of the host: each instance by itself, and all of them together.
//!
//! A guest may be anybody's. What it cannot have is an error or a trap of its own; the process lives on.

use crate::capabilities::MAX_CONNECTIONS;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Semaphore;
use wasmtime::ResourceLimiter;

/// The most that one memory of an instance may have, in bytes. The component of ours uses about 2 MiB.
pub const MAX_INSTANCE_MEMORY: usize = 32 * 1024 * 1024;
/// The most memory that all instances of custom components have together, tables included, in bytes.
#[cfg(feature = "component")]
pub const MAX_GUEST_MEMORY: usize = 256 * 1024 * 1024;
/// The most memories an instance may have. A composition has one for each component in it.
const MAX_MEMORIES: usize = 16;
/// The most tables an instance may have, and the most elements of each.
const MAX_TABLES: usize = 64;
const MAX_TABLE_ELEMENTS: usize = 20_000;
/// What an element of a table costs the host, in bytes.
const TABLE_ELEMENT: usize = size_of::<usize>();
/// What some instances share.
pub struct GuestLimits {
    memory: AtomicUsize,
    most_memory: usize,
    connections: Arc<Semaphore>,
}

impl GuestLimits {
    /// For the instances of custom components, all together.
    #[cfg(feature = "component")]
    pub fn shared() -> Arc<Self> {
        Self::of(MAX_GUEST_MEMORY)
    }

    /// For one instance of our own component, which is not counted with the others.
    pub fn own() -> Arc<Self> {
        Self::of(MAX_INSTANCE_MEMORY)
    }

    fn of(most_memory: usize) -> Arc<Self> {
        Arc::new(Self {
            memory: AtomicUsize::new(0),
            most_memory,
            connections: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
        })
    }

    /// Room for connections.
    pub fn connections(&self) -> &Arc<Semaphore> {
        &self.connections
    }

    fn reserve(&self, bytes: usize) -> bool {
        let reserved = self
            .memory
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(bytes)
                    .filter(|used| *used <= self.most_memory)
            });
        reserved.is_ok()
    }
}

/// What one instance may use; what it has is given back when this is dropped.
pub struct InstanceLimits {
    guests: Arc<GuestLimits>,
    reserved: usize,
}

impl InstanceLimits {
    /// Of an instance that shares these limits.
    pub fn of(guests: &Arc<GuestLimits>) -> Self {
        Self {
            guests: Arc::clone(guests),
            reserved: 0,
        }
    }

    fn grow(&mut self, current: usize, desired: usize, most: usize) -> bool {
        let bytes = desired.saturating_sub(current);
        let granted = desired <= most && self.guests.reserve(bytes);
        if granted {
            self.reserved += bytes;
        }
        granted
    }
}

impl Drop for InstanceLimits {
    fn drop(&mut self) {
        self.guests
            .memory
            .fetch_sub(self.reserved, Ordering::Relaxed);
    }
}

impl ResourceLimiter for InstanceLimits {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let most = maximum.unwrap_or(usize::MAX).min(MAX_INSTANCE_MEMORY);
        Ok(self.grow(current, desired, most))
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let most = maximum.unwrap_or(usize::MAX).min(MAX_TABLE_ELEMENTS);
        let bytes = |elements: usize| elements.saturating_mul(TABLE_ELEMENT);
        Ok(self.grow(bytes(current), bytes(desired), bytes(most)))
    }

    fn memories(&self) -> usize {
        MAX_MEMORIES
    }

    fn tables(&self) -> usize {
        MAX_TABLES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1024 * 1024;

    #[test]
    fn one_memory_has_its_limit_and_all_of_them_theirs() {
        let guests = GuestLimits::of(256 * MIB);
        let mut instances: Vec<_> = (0..9).map(|_| InstanceLimits::of(&guests)).collect();
        let mut grows = |instance: usize, from: usize, to: usize| {
            instances[instance]
                .memory_growing(from * MIB, to * MIB, None)
                .expect("no error")
        };
        assert!(!grows(0, 0, 33));
        for instance in 0..8 {
            assert!(grows(instance, 0, 32), "{instance}");
        }
        assert!(!grows(8, 0, 1));
        // An instance that ends gives back what it had.
        instances.remove(0);
        let granted = instances[7].memory_growing(0, 32 * MIB, None);
        assert!(granted.expect("no error"));
    }

    #[test]
    fn tables_have_a_limit_and_count_as_memory() {
        let guests = GuestLimits::of(TABLE_ELEMENT * 30_000);
        let mut instance = InstanceLimits::of(&guests);
        let mut grows = |from, to| instance.table_growing(from, to, None).expect("no error");
        assert!(!grows(0, MAX_TABLE_ELEMENTS + 1));
        assert!(grows(0, MAX_TABLE_ELEMENTS));
        assert!(!grows(0, MAX_TABLE_ELEMENTS));
        assert!(grows(0, 10_000));
    }
}
