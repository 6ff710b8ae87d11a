//! A component that misbehaves on purpose: `/trap`, `/hog` (allocates without end), `/loop` (computes
//! without end). Any other path is answered with 204.

#[cfg(target_family = "wasm")]
mod wasm {
    use std::hint::black_box;
    use wasi::exports::http::handler::Guest;
    use wasi::http::types::{ErrorCode, Fields, Request, Response};
    use wasi::wit_future;

    struct Hostile;

    #[allow(unsafe_code, reason = "generated code")]
    mod export {
        use super::Hostile;
        wasi::http::service::export!(Hostile);
    }

    impl Guest for Hostile {
        async fn handle(request: Request) -> Result<Response, ErrorCode> {
            match request.get_path_with_query().as_deref() {
                Some("/trap") => std::process::abort(),
                Some("/hog") => {
                    let mut held = Vec::new();
                    loop {
                        held.push(black_box(vec![1u8; 1 << 20]));
                    }
                }
                Some("/loop") => loop {
                    black_box(0);
                },
                _ => {
                    let (_, trailers) = wit_future::new(|| Ok(None));
                    let (response, _sent) = Response::new(Fields::new(), None, trailers);
                    response
                        .set_status_code(204)
                        .map_err(|()| ErrorCode::InternalError(None))?;
                    Ok(response)
                }
            }
        }
    }
}
