//! What wasmtime makes of Spin's WIT; nothing else may live here.
#![allow(
    missing_docs,
    unsafe_code,
    clippy::all,
    clippy::allow_attributes_without_reason,
    reason = "generated code"
)]

wasmtime::component::bindgen!({
    path: "../../tests/spin_host/wit",
    world: "spin-host",
    imports: { default: trappable },
    with: {
        "spin:redis/redis.connection": super::state::SpinConnection,
    },
    require_store_data_send: true,
});
