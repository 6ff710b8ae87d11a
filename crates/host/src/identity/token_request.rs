//! One HTTP request for a token, whoever issues it. A small client of the documented protocols
//! rather than azure_identity; `docs/decisions/0004-identity-client.md` says why.

use crate::clock;
use crate::http_client::{self, SendError};
use bytes::Bytes;
use cache_health_provider::identity::{self, NoToken, Token, unavailable};
use cache_health_provider::{managed_identity, schedule};
use http::{HeaderMap, Request, StatusCode, Version};
use http_body_util::Full;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};

/// An answer, not yet judged.
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    /// Whether Azure's metadata service gave it, rather than somebody else at the same address.
    pub fn is_azures(&self) -> bool {
        managed_identity::is_azures(self.status.as_u16(), &self.body)
    }

    /// The token in it, or why there is none.
    pub fn judge(&self) -> Result<Token, NoToken> {
        identity::judge(self.status.as_u16(), &self.body, clock::wall_seconds()).map_err(
            |failure| NoToken {
                failure,
                retry_after: retry_after(&self.headers),
            },
        )
    }
}

/// Sends the request over this connection.
pub async fn send(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> Result<Answer, NoToken> {
    let sent = http_client::send(stream, Version::HTTP_11, request, identity::MAX_ANSWER).await;
    let (parts, body) = sent.map_err(no_token)?.into_parts();
    Ok(Answer {
        status: parts.status,
        headers: parts.headers,
        body: body.to_bytes(),
    })
}

fn no_token(error: SendError) -> NoToken {
    unavailable(match error {
        SendError::Broken => "unreachable",
        // Too long to be a token, or broken off.
        SendError::Body => "not-a-token",
    })
    .into()
}

/// A request that cannot be written, which the checks of the configuration leave no room for.
pub fn unwritable<E>(_: E) -> NoToken {
    unavailable("unreachable").into()
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    schedule::retry_after(headers.get(http::header::RETRY_AFTER)?.to_str().ok()?)
}
