//! A managed identity: the endpoint that Container Apps puts beside the app.

use crate::identity::token_request;
use bytes::Bytes;
use cache_health_provider::ExposeSecret as _;
use cache_health_provider::config::ManagedIdentity;
use cache_health_provider::identity::{self, NoToken, Token, unavailable};
use http_body_util::Full;
use tokio::net::TcpStream;

/// Asks for a token.
pub async fn request(configured: &ManagedIdentity) -> Result<Token, NoToken> {
    let uri = &configured.endpoint;
    let stream = TcpStream::connect((token_request::host(uri), uri.port_u16().unwrap_or(80)))
        .await
        .map_err(|_| NoToken::from(unavailable("unreachable")))?;

    let query = identity::query(configured.client_id.as_deref());
    let separator = if uri.query().is_some() { '&' } else { '?' };
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut header = http::HeaderValue::from_str(configured.header.expose_secret())
        .map_err(token_request::unwritable)?;
    header.set_sensitive(true);
    let request = http::Request::get(format!("{path}{separator}{query}"))
        .header(http::header::HOST, token_request::authority(uri))
        .header(identity::HEADER, header)
        .body(Full::<Bytes>::default())
        .map_err(token_request::unwritable)?;
    token_request::send(stream, request).await
}
