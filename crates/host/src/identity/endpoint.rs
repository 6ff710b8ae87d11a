//! One request to the identity endpoint. A small client of the documented protocol rather than
//! azure_identity; `docs/decisions/0004-identity-client.md` says why.

use cache_health_provider::ExposeSecret as _;
use cache_health_provider::config::ManagedIdentity;
use cache_health_provider::identity::{self, IdentityError, Token, Unavailable};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::rt::TokioIo;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::TcpStream;

/// How long one request may take. MSAL gives the endpoint as long.
const REQUEST_LIMIT: Duration = Duration::from_secs(10);

/// A request that gave no token.
#[derive(Clone, Copy, Debug)]
pub struct Failure {
    /// Why.
    pub error: IdentityError,
    /// How long the endpoint asked to be left alone (`Retry-After`).
    pub retry_after: Option<Duration>,
}

impl From<Unavailable> for Failure {
    fn from(error: Unavailable) -> Self {
        Self {
            error: IdentityError::Unavailable(error),
            retry_after: None,
        }
    }
}

/// Asks for a token.
pub async fn request(configured: &ManagedIdentity) -> Result<Token, Failure> {
    tokio::time::timeout(REQUEST_LIMIT, exchange(configured))
        .await
        .unwrap_or(Err(Unavailable::Timeout.into()))
}

async fn exchange(configured: &ManagedIdentity) -> Result<Token, Failure> {
    let unreachable = |_| Failure::from(Unavailable::Unreachable);
    let uri = &configured.endpoint;
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let stream = TcpStream::connect((host, uri.port_u16().unwrap_or(80)))
        .await
        .map_err(unreachable)?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|_| Failure::from(Unavailable::Unreachable))?;
    let driver = tokio::spawn(connection);

    let query = identity::query(configured.client_id.as_deref());
    let separator = if uri.query().is_some() { '&' } else { '?' };
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut header = http::HeaderValue::from_str(configured.header.expose_secret())
        .map_err(|_| Failure::from(Unavailable::Unreachable))?;
    header.set_sensitive(true);
    let request = http::Request::get(format!("{path}{separator}{query}"))
        .header(http::header::HOST, authority)
        .header(identity::HEADER, header)
        .body(Empty::<bytes::Bytes>::new())
        .map_err(|_| Failure::from(Unavailable::Unreachable))?;

    let answer = async {
        let response = sender
            .send_request(request)
            .await
            .map_err(|_| Failure::from(Unavailable::Unreachable))?;
        let status = response.status().as_u16();
        let retry_after = retry_after(response.headers());
        let body = Limited::new(response.into_body(), identity::MAX_ANSWER)
            .collect()
            .await
            // Too long to be a token, or broken off.
            .map_err(|_| Failure::from(Unavailable::NotAToken))?
            .to_bytes();
        identity::judge(status, &body, now()).map_err(|error| Failure { error, retry_after })
    }
    .await;
    driver.abort();
    answer
}

/// `Retry-After` in seconds; the form with a date is not used by this endpoint.
fn retry_after(headers: &http::HeaderMap) -> Option<Duration> {
    let value = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?;
    value.trim().parse().ok().map(Duration::from_secs)
}

/// Seconds since 1970-01-01T00:00:00Z.
pub fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| {
            i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
        })
}
