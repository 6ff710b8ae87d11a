//! How an identity endpoint answers a request that follows the protocol: with a token, or with one of the faults that
//! such endpoints have been seen to have.

use crate::token::Token;
use std::io::{Cursor, Read};
use std::sync::Arc;
use std::time::Duration;
use tiny_http::{Header, Response};

/// The pause between two bytes of a slow body.
const SLOW_BYTE: Duration = Duration::from_millis(100);
/// How the endpoint answers a request that follows the protocol.
#[derive(Clone, Debug)]
pub enum Behaviour {
    /// With this token.
    Token(Token),
    /// With what this makes up each time.
    Made(Made),
    /// With this status and body, and these further headers.
    Raw(u16, String, Vec<(&'static str, String)>),
    /// With this token, after this long.
    Late(Duration, Token),
    /// Not at all.
    Hang,
    /// With this token, one byte at a time.
    Slow(Token),
    /// By closing the connection.
    Close,
}

/// Makes up an answer: a status and a body.
#[derive(Clone)]
pub struct Made(pub(super) Arc<dyn Fn() -> (u16, String) + Send + Sync>);

impl std::fmt::Debug for Made {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Made")
    }
}

impl Behaviour {
    /// A new answer each time: a status and a body.
    pub fn made(make: impl Fn() -> (u16, String) + Send + Sync + 'static) -> Self {
        Self::Made(Made(Arc::new(make)))
    }

    /// A new token each time.
    pub fn issue(make: impl Fn() -> Token + Send + Sync + 'static) -> Self {
        Self::made(move || (200, token_response(&make())))
    }

    /// An error as Container Apps words it.
    pub fn status(status: u16) -> Self {
        let body = format!(
            r#"{{"statusCode":{status},"message":"An unexpected error occured while fetching the AAD Token.","correlationId":"0"}}"#
        );
        Self::Raw(status, body, Vec::new())
    }

    /// 200 with this body.
    pub fn body(body: impl Into<String>) -> Self {
        Self::Raw(200, body.into(), Vec::new())
    }
}

/// An answer with a token, as all platforms word it.
pub(crate) fn token_response(token: &Token) -> String {
    format!(
        r#"{{"access_token":"{}","expires_on":"{}","resource":"https://redis.azure.com","token_type":"Bearer","client_id":"0"}}"#,
        token.text, token.expires_at
    )
}

pub(crate) fn json(status: u16, body: String) -> Response<Cursor<Vec<u8>>> {
    Response::from_string(body)
        .with_status_code(status)
        .with_header(header("content-type", "application/json"))
}

#[expect(
    clippy::unwrap_used,
    reason = "the names and values are ours and well-formed"
)]
pub(crate) fn header(name: &str, value: &str) -> Header {
    Header::from_bytes(name, value).unwrap()
}

/// Gives one byte at a time, slowly.
pub(super) struct OneByte(pub(super) Cursor<Vec<u8>>);

impl Read for OneByte {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        std::thread::sleep(SLOW_BYTE);
        match buffer.first_mut() {
            Some(byte) => self.0.read(std::slice::from_mut(byte)),
            None => Ok(0),
        }
    }
}
