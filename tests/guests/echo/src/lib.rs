//! An application that answers what it was sent: the body as it streams, and in `x-seen` the method, the target and each
//! `Authorization` of the request.

#[cfg(target_family = "wasm")]
mod wasm {
    use wasi::exports::http::handler::Guest;
    use wasi::http::types::{ErrorCode, Fields, Request, Response};
    use wasi::wit_future;

    struct Echo;

    #[allow(unsafe_code, reason = "generated code")]
    mod export {
        use super::Echo;
        wasi::http::service::export!(Echo);
    }

    impl Guest for Echo {
        async fn handle(request: Request) -> Result<Response, ErrorCode> {
            let seen = [(
                "x-seen".to_owned(),
                format!(
                    "{:?} {} {}",
                    request.get_method(),
                    request.get_path_with_query().unwrap_or_default(),
                    authorizations(&request).join(","),
                )
                .into_bytes(),
            )];
            let fields = Fields::from_list(&seen).map_err(|_| ErrorCode::InternalError(None))?;
            let (_, read) = wit_future::new(|| Ok(()));
            let (body, trailers) = Request::consume_body(request, read);
            Ok(Response::new(fields, Some(body), trailers).0)
        }
    }

    fn authorizations(request: &Request) -> Vec<String> {
        let values = request.get_headers().get("authorization");
        let text = values.into_iter().map(String::from_utf8);
        text.map(|text| text.unwrap_or_else(|_| "not text".to_owned()))
            .collect()
    }
}
