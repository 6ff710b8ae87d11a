//! The door to `wasi:http`: requests taken apart, answers put together.

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers, without the length.
    pub headers: Vec<(&'static str, &'static str)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// An answer of this status, media type and body.
    pub fn new(status: u16, media_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: vec![("content-type", media_type)],
            body: body.into(),
        }
    }

    /// The same with a further header.
    pub fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }
}

#[cfg(target_family = "wasm")]
mod wasm {
    use super::Answer;
    use crate::route::Method;
    use wasi::exports::http::handler::Guest;
    use wasi::http::types::{self, ErrorCode, Fields, Request, Response};
    use wasi::{wit_bindgen, wit_future, wit_stream};

    struct Front;

    #[allow(unsafe_code, reason = "generated code")]
    mod export {
        use super::Front;
        wasi::http::service::export!(Front);
    }

    impl Guest for Front {
        async fn handle(request: Request) -> Result<Response, ErrorCode> {
            let method = match request.get_method() {
                types::Method::Get => Method::Get,
                types::Method::Head => Method::Head,
                _ => Method::Other,
            };
            let path = request.get_path_with_query().unwrap_or_default();
            let answer = crate::answer(method, &path).await;
            send(answer, method == Method::Head)
        }
    }

    fn send(answer: Answer, head: bool) -> Result<Response, ErrorCode> {
        let length = answer.body.len().to_string();
        let fields: Vec<(String, Vec<u8>)> = answer
            .headers
            .into_iter()
            .chain([("content-length", length.as_str())])
            .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
            .collect();
        let fields = Fields::from_list(&fields).map_err(|_| ErrorCode::InternalError(None))?;
        let (mut body, reader) = wit_stream::new();
        // Dropping the writer says that there are no trailers.
        let (_, trailers) = wit_future::new(|| Ok(None));
        let body_reader = (!head).then_some(reader);
        let (response, _sent) = Response::new(fields, body_reader, trailers);
        response
            .set_status_code(answer.status)
            .map_err(|()| ErrorCode::InternalError(None))?;
        if !head {
            // Whoever asked may have gone away: what is left unwritten is nobody's.
            wit_bindgen::spawn(async move { drop(body.write_all(answer.body).await) });
        }
        Ok(response)
    }
}
