//! Microsoft Entra tokens: fetched from where they are issued, kept, renewed in time.

mod exchange;
mod managed;
mod source;
mod tokens;
mod workload;

pub use source::{Source, TokenError};
pub use tokens::{Lease, Tokens};
