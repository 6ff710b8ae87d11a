//! What wasmtime makes of the smallest component's WIT; nothing else may live here.
#![allow(
    missing_docs,
    unsafe_code,
    clippy::all,
    clippy::allow_attributes_without_reason,
    reason = "generated code"
)]

wasmtime::component::bindgen!({
    path: "../../tests/guests/smallest/wit",
    world: "smallest",
    require_store_data_send: true,
});
