//! Microsoft Entra tokens: fetched from the identity endpoint, kept, renewed in time.

mod endpoint;
mod tokens;

pub use tokens::Tokens;
