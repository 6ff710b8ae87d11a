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
        package cache-health:hostile;
        world hostile {
            import cache-health:capabilities/settings@0.2.0;
            import cache-health:capabilities/credentials@0.2.0;
            import cache-health:capabilities/redis@0.2.0;
        }
    ",
    path: "../../../wit",
    generate_all,
});
