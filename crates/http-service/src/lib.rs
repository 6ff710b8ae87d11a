//! The HTTP component by itself: a service of `wasi:http` (as the package calls what answers every request).

#[cfg(target_family = "wasm")]
mod export {
    use cache_health_http_handler::door;
    use wasi::exports::http::handler::Guest;
    use wasi::http::types::{ErrorCode, Request, Response};

    struct Service;

    #[allow(unsafe_code, reason = "generated code")]
    mod generated {
        use super::Service;
        wasi::http::service::export!(Service);
    }

    impl Guest for Service {
        async fn handle(request: Request) -> Result<Response, ErrorCode> {
            door::answer(request).await
        }
    }
}
