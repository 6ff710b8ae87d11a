//! The status page: what is served, and what a real browser makes of it.

mod browser;
mod served;
