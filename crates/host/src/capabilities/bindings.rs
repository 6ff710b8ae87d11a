//! What wasmtime makes of `wit/`; nothing else may live here.
#![allow(
    missing_docs,
    unsafe_code,
    clippy::all,
    clippy::allow_attributes_without_reason,
    reason = "generated code"
)]

wasmtime::component::bindgen!({
    inline: "
        package cache-health:host;

        world standalone {
            include cache-health:component/health@0.2.0;
            import cache-health:capabilities/access@0.2.0;
        }
    ",
    path: "../../wit",
    world: "cache-health:host/standalone",
    imports: { default: trappable },
    with: {
        "wasi:clocks": wasmtime_wasi::p3::bindings::clocks,
        "cache-health:capabilities/credentials.credential": crate::capabilities::CredentialHandle,
        "cache-health:capabilities/redis.connection": crate::capabilities::ConnectionHandle,
    },
    require_store_data_send: true,
});
