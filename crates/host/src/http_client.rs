//! One HTTP request over a connection that is there: to an identity endpoint, to a collector, to the `serve` beside. A small
//! client rather than a pool: none of them is asked often, and what a request carries is meant for its endpoint alone, so
//! redirects are not followed.

use bytes::Bytes;
use cache_health_provider::{ExposeSecret as _, SecretString};
use http::header::InvalidHeaderValue;
use http::{HeaderValue, Request, Response, Uri, Version};
use http_body_util::{BodyExt as _, Collected, Full, Limited};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SendError {
    /// No HTTP, or the connection ended before the head of an answer.
    #[error("the connection is broken")]
    Broken,
    /// The body was broken off, or has more bytes than are read.
    #[error("the body cannot be read")]
    Body,
}

/// An answer, with trailers where there are any.
pub type Answer = Response<Collected<Bytes>>;

/// Sends a request in this version of HTTP, and reads at most `most` bytes of its answer.
pub async fn send(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    version: Version,
    request: Request<Full<Bytes>>,
    most: usize,
) -> Result<Answer, SendError> {
    let broken = |_| SendError::Broken;
    // The client ends with this request, also when nobody waits for its answer any more.
    let mut driver = JoinSet::new();
    let io = TokioIo::new(stream);
    let response = if version == Version::HTTP_2 {
        let handshake = http2::handshake(TokioExecutor::new(), io).await;
        let (mut sender, connection) = handshake.map_err(broken)?;
        driver.spawn(connection);
        sender.send_request(request).await
    } else {
        let (mut sender, connection) = http1::handshake(io).await.map_err(broken)?;
        driver.spawn(connection);
        sender.send_request(request).await
    };
    let (parts, body) = response.map_err(broken)?.into_parts();
    let body = Limited::new(body, most).collect().await;
    Ok(Response::from_parts(
        parts,
        body.map_err(|_| SendError::Body)?,
    ))
}

/// A header's value that no log shows.
pub fn sensitive(value: &SecretString) -> Result<HeaderValue, InvalidHeaderValue> {
    let mut value = HeaderValue::from_str(value.expose_secret())?;
    value.set_sensitive(true);
    Ok(value)
}

/// The host to connect to, without the brackets of an IPv6 address.
pub fn host(uri: &Uri) -> &str {
    uri.host().unwrap_or_default().trim_matches(['[', ']'])
}

/// What the `Host` header says.
pub fn authority(uri: &Uri) -> &str {
    uri.authority().map_or("", |authority| authority.as_str())
}
