//! The middleware: the probe's routes before any application of `wasi:http/handler@0.3.0`, which knows nothing of them.
//!
//! Every other request is handed on as it came, its body streaming, but for one thing: an `Authorization` that the host
//! knows as the operator's is removed. The application is somebody else's, and the token is not for it.

#[cfg(target_family = "wasm")]
mod bindings;
#[cfg(target_family = "wasm")]
mod next;

#[cfg(target_family = "wasm")]
mod export {
    use cache_health_http_handler::door;
    use wasi::exports::http::handler::Guest;
    use wasi::http::types::{ErrorCode, Request, Response};

    struct Middleware;

    #[allow(unsafe_code, reason = "generated code")]
    mod generated {
        use super::Middleware;
        wasi::http::service::export!(Middleware);
    }

    impl Guest for Middleware {
        async fn handle(request: Request) -> Result<Response, ErrorCode> {
            if door::is_a_probe(&request) {
                door::answer(request).await
            } else {
                crate::next::handle(request).await
            }
        }
    }
}
