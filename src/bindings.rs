//! What wit-bindgen makes of `wit/`; nothing else may live here.
#![allow(
    missing_docs,
    unsafe_code,
    clippy::all,
    clippy::allow_attributes_without_reason,
    reason = "generated code"
)]

wit_bindgen::generate!({
    world: "cache-health:component/health",
    path: "wit",
    with: {
        "wasi:clocks/monotonic-clock@0.3.0": wasi::clocks::monotonic_clock,
        "wasi:clocks/system-clock@0.3.0": wasi::clocks::system_clock,
        "wasi:clocks/types@0.3.0": wasi::clocks::types,
    },
    generate_all,
});

// Natively, where the unit tests run, there is nobody to export to, and no linker that takes the
// names of the canonical ABI.
#[cfg(target_family = "wasm")]
export!(Component);
#[cfg(target_family = "wasm")]
use crate::Component;
