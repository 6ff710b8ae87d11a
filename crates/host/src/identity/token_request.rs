//! One HTTP request for a token, whoever issues it. A small client of the documented protocols
//! rather than azure_identity; `docs/decisions/0004-identity-client.md` says why.

use bytes::Bytes;
use cache_health_provider::identity::{self, NoToken, Token, unavailable};
use cache_health_provider::schedule;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;

/// Sends the request over this connection and judges the answer. Redirects are not followed: what
/// the request carries is meant for this endpoint alone.
pub async fn send(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> Result<Token, NoToken> {
    let broken = |_| NoToken::from(unavailable("unreachable"));
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    // Ends with this request, also when nobody waits for its answer any more.
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    let answer = async {
        let response = sender.send_request(request).await.map_err(broken)?;
        let status = response.status().as_u16();
        let retry_after = retry_after(response.headers());
        let body = Limited::new(response.into_body(), identity::MAX_ANSWER)
            .collect()
            .await
            // Too long to be a token, or broken off.
            .map_err(|_| NoToken::from(unavailable("not-a-token")))?
            .to_bytes();
        identity::judge(status, &body, now()).map_err(|failure| NoToken {
            failure,
            retry_after,
        })
    }
    .await;
    drop(driver);
    answer
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
