//! Microsoft Entra tokens: fetched from where they are issued, kept, renewed in time.

mod application;
mod assertion;
mod managed;
mod proxy;
mod source;
mod token_request;
mod tokens;
mod tool;

pub use source::Source;
pub use tokens::{Lease, Tokens};
