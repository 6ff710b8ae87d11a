//! The Spin application, on a host with Spin's interfaces and under a real `spin up`.

mod application;
pub mod cases;
mod conformance;
mod middleware;
mod real_spin;
