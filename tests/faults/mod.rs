//! The fault matrix: one source for the tests and for `docs/faults.md`.

mod as_root;
mod hosts;
mod matrix;

pub mod entra;
pub mod identity;
pub mod network;
pub mod redis;
pub mod row;
pub mod scene;
pub mod table;
pub mod tls;

use row::Row;

/// Every row there is.
pub fn rows() -> Vec<Row> {
    [
        redis::rows(),
        network::rows(),
        tls::rows(),
        identity::rows(),
        entra::rows(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
