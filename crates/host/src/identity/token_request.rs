//! One HTTP request for a token, whoever issues it. A small client of the documented protocols
//! rather than azure_identity; `docs/decisions/0004-identity-client.md` says why.

use bytes::Bytes;
use cache_health_provider::identity::{self, NoToken, Token, unavailable};
use cache_health_provider::{ExposeSecret as _, SecretString, managed_identity, schedule};
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;

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
        identity::judge(self.status.as_u16(), &self.body, now()).map_err(|failure| NoToken {
            failure,
            retry_after: retry_after(&self.headers),
        })
    }
}

/// Sends the request over this connection. Redirects are not followed: what the request carries is meant for this endpoint
/// alone.
pub async fn send(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> Result<Answer, NoToken> {
    let broken = |_| NoToken::from(unavailable("unreachable"));
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    // Ends with this request, also when nobody waits for its answer any more.
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    let answer = async {
        let response = sender.send_request(request).await.map_err(broken)?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, identity::MAX_ANSWER)
            .collect()
            .await
            // Too long to be a token, or broken off.
            .map_err(|_| NoToken::from(unavailable("not-a-token")))?
            .to_bytes();
        Ok(Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        })
    }
    .await;
    drop(driver);
    answer
}

/// A header's value that no log shows.
pub fn sensitive(value: &SecretString) -> Result<HeaderValue, NoToken> {
    let mut value = HeaderValue::from_str(value.expose_secret()).map_err(unwritable)?;
    value.set_sensitive(true);
    Ok(value)
}

/// The host to connect to, without the brackets of an IPv6 address.
pub fn host(uri: &http::Uri) -> &str {
    uri.host().unwrap_or_default().trim_matches(['[', ']'])
}

/// What the `Host` header says.
pub fn authority(uri: &http::Uri) -> &str {
    uri.authority().map_or("", |authority| authority.as_str())
}

/// A request that cannot be written, which the checks of the configuration leave no room for.
pub fn unwritable<E>(_: E) -> NoToken {
    unavailable("unreachable").into()
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    schedule::retry_after(headers.get(http::header::RETRY_AFTER)?.to_str().ok()?)
}

/// Seconds since 1970-01-01T00:00:00Z.
pub fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| {
            i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
        })
}
