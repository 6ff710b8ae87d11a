//! `cache-health serve`: its routes, its limits, and what callers may cause.

mod bounds;
mod limits;
mod log;
mod probe;
mod routes;
