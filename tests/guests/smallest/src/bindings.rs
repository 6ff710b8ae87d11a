//! What wit-bindgen makes of `wit/`; nothing else may live here.
#![allow(
    missing_docs,
    unsafe_code,
    clippy::all,
    clippy::allow_attributes_without_reason,
    reason = "generated code"
)]

wit_bindgen::generate!({
    world: "smallest",
    path: "wit",
});

#[cfg(target_family = "wasm")]
export!(Component);
#[cfg(target_family = "wasm")]
use crate::Component;
