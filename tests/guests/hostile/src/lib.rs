//! A component that misbehaves on purpose: `/trap`, `/hog` (allocates without end), `/loop` (computes
//! without end), `/hold` (takes what memory it can and then computes without end), `/endless` (an answer
//! whose body has no end), `/random` (asks for more random bytes than anybody needs), `/host-call` (passes
//! the host eight megabytes), `/capabilities` (passes what nobody should to each capability), `/storm`
//! (connects as often as it can), `/no-time` (asks with no time at all), `/forged` and `/dropped-twice`
//! (handles that are not its own), `/authorization` (says the header that it was given), `/write` (to its standard error,
//! with what nobody should print), `/flood` (the same without end), `/panic`, `/loop-after` (computes without end when it has
//! answered), `/fields` (has the host hold headers), `/handles` (the same without end). Any other path is answered with 204.

#[cfg(target_family = "wasm")]
mod bindings;
#[cfg(target_family = "wasm")]
mod capabilities;

#[cfg(target_family = "wasm")]
mod wasm {
    use crate::capabilities;
    use std::hint::black_box;
    use wasi::exports::http::handler::Guest;
    use wasi::http::types::{ErrorCode, Fields, Request, Response};
    use wasi::wit_bindgen::StreamReader;
    use wasi::{wit_future, wit_stream};

    /// Between two bytes of an endless answer, in nanoseconds.
    const PAUSE: u64 = 100_000_000;

    /// How many times the host is to hold headers, and of how many bytes each.
    const FIELDS: usize = 500;
    const FIELD: usize = 4096;

    /// After its response, in nanoseconds.
    const LATER: u64 = 300_000_000;

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
                Some("/hold") => {
                    let _held = black_box(vec![1u8; 24 << 20]);
                    loop {
                        black_box(0);
                    }
                }
                Some("/random") => {
                    let bytes = wasi::random::random::get_random_bytes(64 << 20);
                    Ok(with_body(format!("{} bytes", bytes.len())))
                }
                Some("/host-call") => Ok(with_body(capabilities::eight_megabytes().await)),
                Some("/storm") => Ok(with_body(capabilities::storm().await)),
                Some("/no-time") => Ok(with_body(capabilities::no_time().await)),
                Some("/endless") => Ok(endless()),
                Some("/capabilities") => Ok(with_body(capabilities::abuse().await)),
                Some("/forged") => {
                    capabilities::forge();
                    empty()
                }
                Some("/authorization") => {
                    let given = request
                        .get_headers()
                        .get("authorization")
                        .into_iter()
                        .next();
                    let given = given.and_then(|value| String::from_utf8(value).ok());
                    Ok(with_body(given.unwrap_or_else(|| "none".to_owned())))
                }
                Some("/write") => {
                    println!("to its output");
                    eprintln!("to its error \u{1b}[31m\u{202e}in red");
                    empty()
                }
                Some("/flood") => {
                    for line in 0..10_000 {
                        eprintln!("line {line}");
                    }
                    empty()
                }
                Some("/loop-after") => {
                    wasi::wit_bindgen::spawn(async {
                        wasi::clocks::monotonic_clock::wait_for(LATER).await;
                        loop {
                            black_box(0);
                        }
                    });
                    empty()
                }
                Some("/fields") => {
                    let held: Vec<_> = (0..FIELDS).map(|_| filled()).collect();
                    let bytes: usize = held.iter().map(|(_, bytes)| bytes).sum();
                    Ok(with_body(bytes.to_string()))
                }
                Some("/handles") => {
                    let mut held = Vec::new();
                    loop {
                        held.push(black_box(Fields::new()));
                    }
                }
                Some("/panic") => panic!("no DATABASE_URL"),
                Some("/dropped-twice") => {
                    capabilities::drop_twice().await;
                    empty()
                }
                _ => empty(),
            }
        }
    }

    fn empty() -> Result<Response, ErrorCode> {
        let response = response(None);
        response
            .set_status_code(204)
            .map_err(|()| ErrorCode::InternalError(None))?;
        Ok(response)
    }

    /// Headers of as many bytes as the host takes.
    fn filled() -> (Fields, usize) {
        let fields = Fields::new();
        let mut bytes = 0;
        while fields.append("x-held", &[b'x'; FIELD]).is_ok() {
            bytes += FIELD;
        }
        (fields, bytes)
    }

    fn endless() -> Response {
        let (mut writer, reader) = wit_stream::new();
        wasi::wit_bindgen::spawn(async move {
            while writer.write_one(b'.').await.is_none() {
                wasi::clocks::monotonic_clock::wait_for(PAUSE).await;
            }
        });
        response(Some(reader))
    }

    fn with_body(text: String) -> Response {
        let (mut writer, reader) = wit_stream::new();
        wasi::wit_bindgen::spawn(async move {
            let _unread = writer.write_all(text.into_bytes()).await;
        });
        response(Some(reader))
    }

    fn response(body: Option<StreamReader<u8>>) -> Response {
        let (_, trailers) = wit_future::new(|| Ok(None));
        Response::new(Fields::new(), body, trailers).0
    }
}
