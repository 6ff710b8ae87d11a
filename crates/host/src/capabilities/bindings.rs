//! What wasmtime makes of `wit/`; nothing else may live here.
#![allow(
    missing_docs,
    unsafe_code,
    clippy::all,
    clippy::allow_attributes_without_reason,
    reason = "generated code"
)]

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "health-component",
    imports: { default: trappable },
    with: {
        "wasi:clocks": wasmtime_wasi::p3::bindings::clocks,
        "cache-health:probe/credentials.credential": crate::capabilities::CredentialHandle,
        "cache-health:probe/redis.connection": crate::capabilities::ConnectionHandle,
    },
    require_store_data_send: true,
});
