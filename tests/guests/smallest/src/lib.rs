//! The smallest component that does SET and GET by calls of its host: no report, no step, no clock, no secret to be kept from.

#![cfg_attr(
    not(target_family = "wasm"),
    allow(dead_code, reason = "only exported on wasm")
)]

mod bindings;

use bindings::Guest;
use bindings::cache_health::smallest::cache;

struct Component;

impl Guest for Component {
    async fn check() -> bool {
        cache::set().await;
        cache::get().await
    }
}
