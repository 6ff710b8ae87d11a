//! `cache-health serve`: its routes, its limits, and what callers may cause.

mod admin;
mod bounds;
mod heartbeat;
mod limits;
mod log;
mod probe;
mod readiness;
mod routes;
mod views;
