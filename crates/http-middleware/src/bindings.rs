//! What wit-bindgen makes of `wit/`; nothing else may live here.
#![allow(
    missing_docs,
    unsafe_code,
    clippy::all,
    clippy::allow_attributes_without_reason,
    reason = "generated code"
)]

wit_bindgen::generate!({
    inline: "
        package cache-health:next;
        world next {
            import wasi:http/handler@0.3.0;
        }
    ",
    path: "../../wit",
    // The types are those of the crate that exports the handler.
    with: {
        "wasi:clocks/types@0.3.0": ::wasi::clocks::types,
        "wasi:http/types@0.3.0": ::wasi::http::types,
    },
    generate_all,
});
