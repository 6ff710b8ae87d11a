//! An application of WASI 0.2, as most languages still make them: it asks `http://cache-health.spin.internal/healthz` and
//! hands the answer on.

#[cfg(target_family = "wasm")]
mod wasm {
    use wasip2::exports::http::incoming_handler::Guest;
    use wasip2::http::outgoing_handler;
    use wasip2::http::types::{
        Fields, IncomingRequest, OutgoingBody, OutgoingRequest, OutgoingResponse, ResponseOutparam,
        Scheme,
    };
    use wasip2::io::streams::StreamError;

    /// The most that is read at once, in bytes.
    const PART: u64 = 64 * 1024;

    struct Older;

    #[allow(unsafe_code, reason = "generated code")]
    mod export {
        use super::Older;
        wasip2::http::proxy::export!(Older);
    }

    impl Guest for Older {
        fn handle(_request: IncomingRequest, out: ResponseOutparam) {
            let (status, text) = match ask() {
                Ok(answer) => answer,
                Err(problem) => (500, problem.into_bytes()),
            };
            let response = OutgoingResponse::new(Fields::new());
            response.set_status_code(status).expect("a status");
            let body = response.body().expect("a body");
            ResponseOutparam::set(out, Ok(response));
            let stream = body.write().expect("a stream");
            stream.blocking_write_and_flush(&text).expect("written");
            drop(stream);
            OutgoingBody::finish(body, None).expect("finished");
        }
    }

    fn ask() -> Result<(u16, Vec<u8>), String> {
        let request = OutgoingRequest::new(Fields::new());
        let refused = |()| "refused".to_owned();
        request.set_scheme(Some(&Scheme::Http)).map_err(refused)?;
        let authority = Some("cache-health.spin.internal");
        request.set_authority(authority).map_err(refused)?;
        request
            .set_path_with_query(Some("/healthz"))
            .map_err(refused)?;
        let pending = outgoing_handler::handle(request, None).map_err(|e| format!("{e:?}"))?;
        pending.subscribe().block();
        let answer = pending.get().expect("ready").expect("once");
        let response = answer.map_err(|error| format!("{error:?}"))?;
        let body = response.consume().map_err(refused)?;
        let stream = body.stream().map_err(refused)?;
        let mut text = Vec::new();
        loop {
            match stream.blocking_read(PART) {
                Ok(part) => text.extend(part),
                Err(StreamError::Closed) => return Ok((response.status(), text)),
                Err(error) => return Err(format!("{error:?}")),
            }
        }
    }
}
