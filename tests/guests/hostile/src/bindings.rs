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
            import cache-health:probe/settings@0.1.0;
            import cache-health:probe/credentials@0.1.0;
            import cache-health:probe/redis@0.1.0;
        }
    ",
    path: "../../../wit",
    generate_all,
});
