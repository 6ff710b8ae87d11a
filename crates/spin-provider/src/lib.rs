//! The capabilities on Spin's own interfaces: `spin:redis`, `spin:variables`, outgoing `wasi:http`.
//!
//! The rules are those of `cache-health-provider`, shared with the standalone host. What Spin's interface
//! leaves no other way to do is different, and said in `docs/spin.md`: the secret is in this
//! component's memory and in the address it opens, and TLS is Spin's business and leaves no
//! evidence.

#![cfg_attr(
    not(target_family = "wasm"),
    allow(
        dead_code,
        reason = "natively nothing is exported: only the unit tests run"
    )
)]

mod address;
mod bindings;
mod clock;
mod connection;
mod convert;
mod error_text;
mod host;
mod identity;
mod permits;
mod tokens;
mod variables;
