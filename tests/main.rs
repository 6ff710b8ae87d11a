//! The tests of the program that ships and of the components: on real parts, from the outside. `cargo xtask test`
//! builds what they need, and says in variables where it is.

mod fixtures;

mod check;
mod clients;
mod components;
mod cost;
mod credentials;
mod doctor;
mod faults;
mod image;
mod metrics;
mod page;
mod serve;
mod spin;
mod telemetry;
