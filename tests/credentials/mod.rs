//! Credentials over time: tokens that end, keys that are rotated, assertions that are exchanged.

mod renewal;
mod rotation;
mod workload_identity;
