//! Microsoft Entra tokens: fetched from where they are issued, kept, renewed in time.

mod managed;
mod source;
mod token_request;
mod tokens;
mod workload;

pub use source::Source;
pub use token_request::now;
pub use tokens::{Lease, Tokens};
