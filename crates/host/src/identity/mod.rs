//! Microsoft Entra tokens: fetched from where they are issued, kept, renewed in time.

mod exchange;
mod managed;
mod source;
mod tokens;
mod workload;

pub use exchange::now;
pub use source::Source;
pub use tokens::{Lease, Tokens};
