//! An application that knows nothing of cache-health: it imports nothing of ours, and a line of its manifest (`spin.toml`)
//! puts `/livez`, `/readyz` and `/healthz` before it.

use spin_sdk::http::Request;

#[cfg_attr(target_family = "wasm", spin_sdk::http_service)]
#[cfg_attr(
    not(target_family = "wasm"),
    expect(dead_code, reason = "only exported on wasm")
)]
async fn handle(_request: Request) -> &'static str {
    "Hello!\n"
}
