//! The Spin application, on a host with Spin's interfaces and under a real `spin up`.

mod application;
mod cases;
mod conformance;
mod real_spin;
