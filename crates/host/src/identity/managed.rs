//! A managed identity: the endpoint that its platform puts beside the app, or on the machine.

use crate::files::Files;
use crate::http_client;
use crate::identity::source::Asked;
use crate::identity::token_request::{self, Answer};
use bytes::Bytes;
use cache_health_provider::config::{ManagedEndpoint, ManagedIdentity};
use cache_health_provider::identity::{NoToken, Token, unavailable};
use cache_health_provider::managed_identity::{self, ARC_CHALLENGES, challenge_file};
use cache_health_provider::{ExposeSecret as _, SecretString};
use http::header::{AUTHORIZATION, HOST, HeaderName, WWW_AUTHENTICATE};
use http_body_util::Full;
use std::path::Path;
use std::time::Duration;
use tokio::net::TcpStream;

/// How long a machine may take to say that there is nobody at the address of its metadata service. Where there is no such
/// service, packets to it may simply be lost.
const PROBE: Duration = Duration::from_secs(1);

/// Asks for a token.
pub async fn request(
    identity: &ManagedIdentity,
    config: &Asked,
    files: &Files,
) -> Result<Token, NoToken> {
    let resource = config.resource.as_str();
    let is_imds = matches!(identity.endpoint, ManagedEndpoint::Imds { .. });
    let nobody = || managed_identity::no_endpoint(config.auth);
    let stream = match connect(identity).await {
        // Not there is remembered: nothing on a machine makes it one of Azure's.
        None if is_imds => return Err(nobody()),
        None => return Err(unavailable("unreachable").into()),
        Some(stream) => stream,
    };
    let first = exchange(stream, identity, resource, None).await?;
    if is_imds && !first.is_azures() {
        return Err(nobody());
    }
    let is_arc = matches!(identity.endpoint, ManagedEndpoint::Arc { .. });
    if !(is_arc && first.status == http::StatusCode::UNAUTHORIZED) {
        return first.judge();
    }
    // Whoever may read the agent's file may have a token.
    let challenge = first.headers.get(WWW_AUTHENTICATE);
    let challenge = challenge.and_then(|value| value.to_str().ok());
    let file = challenge
        .and_then(|challenge| challenge_file(challenge, Path::new(ARC_CHALLENGES)))
        .ok_or_else(|| NoToken::from(unavailable("challenge")))?;
    let secret = files.text(&file, managed_identity::MAX_CHALLENGE).await;
    let secret = secret.map_err(|_| NoToken::from(unavailable("challenge-unreadable")))?;
    let answer = SecretString::from(format!("Basic {}", secret.expose_secret().trim()));
    let stream = connect(identity).await;
    let stream = stream.ok_or_else(|| NoToken::from(unavailable("unreachable")))?;
    let second = exchange(stream, identity, resource, Some(&answer)).await?;
    second.judge()
}

async fn exchange(
    stream: TcpStream,
    identity: &ManagedIdentity,
    resource: &str,
    challenge: Option<&SecretString>,
) -> Result<Answer, NoToken> {
    let asked = managed_identity::request(identity, resource);
    let mut request = http::Request::get(asked.target)
        .header(HOST, http_client::authority(identity.uri()))
        .header(
            HeaderName::from_static(asked.header),
            http_client::sensitive(&asked.value).map_err(token_request::unwritable)?,
        );
    if let Some(challenge) = challenge {
        request = request.header(
            AUTHORIZATION,
            http_client::sensitive(challenge).map_err(token_request::unwritable)?,
        );
    }
    let request = request
        .body(Full::<Bytes>::default())
        .map_err(token_request::unwritable)?;
    token_request::send(stream, request).await
}

/// None: nobody listens there, or not within the time of a probe.
async fn connect(identity: &ManagedIdentity) -> Option<TcpStream> {
    let uri = identity.uri();
    let address = (http_client::host(uri), uri.port_u16().unwrap_or(80));
    let connecting = TcpStream::connect(address);
    if matches!(identity.endpoint, ManagedEndpoint::Imds { .. }) {
        return tokio::time::timeout(PROBE, connecting).await.ok()?.ok();
    }
    connecting.await.ok()
}
