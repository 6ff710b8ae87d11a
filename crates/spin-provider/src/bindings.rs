//! What wit-bindgen makes of `wit/`; nothing else may live here.
#![allow(
    missing_docs,
    unsafe_code,
    clippy::all,
    clippy::allow_attributes_without_reason,
    reason = "generated code"
)]

wit_bindgen::generate!({
    world: "provider",
    path: "../../wit/deps/cache-health-capabilities",
    generate_all,
});

// Natively, where the unit tests run, there is nobody to export to.
#[cfg(target_family = "wasm")]
export!(Provider);
#[cfg(target_family = "wasm")]
use crate::host::Provider;
