//! One export: a connection, a request, an answer. Over gRPC (HTTP/2, without TLS as Container Apps' agent wants it, or
//! with) or as `http/protobuf`. A small client of its own: `docs/decisions/0018-telemetry-without-the-sdk.md` says why.

use super::settings::{Exporter, Protocol};
use crate::cache::tls::TlsSettings;
use crate::http_client::{self, Answer};
use bytes::{BufMut as _, Bytes, BytesMut};
use http::header::{CONTENT_TYPE, HOST, TE};
use http::{Request, Uri, Version};
use http_body_util::Full;
use prost::Message;
use rustls::pki_types::ServerName;
use std::sync::Arc;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// The most bytes of an answer that are read.
const MAX_ANSWER: usize = 64 * 1024;

/// Why an export failed. The texts go into the log, and have nothing in them that the collector said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ExportError {
    /// Nobody takes it.
    #[error("the collector cannot be reached")]
    Unreachable,
    /// No verified TLS.
    #[error("the collector's certificate was not accepted")]
    Tls,
    /// It took too long.
    #[error("the collector did not answer in time")]
    Timeout,
    /// The collector said no, with this status of HTTP.
    #[error("the collector answered with HTTP {0}")]
    Http(u16),
    /// The collector said no, with this status of gRPC; none where it said none.
    #[error("the collector answered with gRPC status {0:?}")]
    Grpc(Option<u32>),
}

/// Sends a message, within the time limit of where it goes.
pub async fn export(
    exporter: &Exporter,
    tls: &TlsSettings,
    message: &impl Message,
) -> Result<(), ExportError> {
    tokio::time::timeout(exporter.timeout, send(exporter, tls, message))
        .await
        .unwrap_or(Err(ExportError::Timeout))
}

async fn send(
    exporter: &Exporter,
    tls: &TlsSettings,
    message: &impl Message,
) -> Result<(), ExportError> {
    let request = request(exporter, message).ok_or(ExportError::Unreachable)?;
    let uri = &exporter.uri;
    let secure = uri.scheme_str() == Some("https");
    let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let host = http_client::host(uri);
    let stream = TcpStream::connect((host, port)).await;
    let stream = stream.map_err(|_| ExportError::Unreachable)?;
    let version = match exporter.protocol {
        Protocol::Grpc => Version::HTTP_2,
        Protocol::HttpProtobuf => Version::HTTP_11,
    };
    let sent = if secure {
        let mut config = (*tls.current().await.config()).clone();
        if exporter.protocol == Protocol::Grpc {
            config.alpn_protocols = vec![b"h2".to_vec()];
        }
        let name = ServerName::try_from(host.to_owned()).map_err(|_| ExportError::Tls)?;
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream);
        let stream = stream.await.map_err(|_| ExportError::Tls)?;
        http_client::send(stream, version, request, MAX_ANSWER).await
    } else {
        http_client::send(stream, version, request, MAX_ANSWER).await
    };
    let answer = sent.map_err(|_| ExportError::Unreachable)?;
    judge(exporter.protocol, answer)
}

fn request(exporter: &Exporter, message: &impl Message) -> Option<Request<Full<Bytes>>> {
    let (body, media) = match exporter.protocol {
        Protocol::Grpc => (framed(message), "application/grpc"),
        Protocol::HttpProtobuf => (message.encode_to_vec().into(), "application/x-protobuf"),
    };
    let mut request = Request::post(target(exporter)?).header(CONTENT_TYPE, media);
    if exporter.protocol == Protocol::Grpc {
        request = request.header(TE, "trailers");
    } else {
        request = request.header(HOST, http_client::authority(&exporter.uri));
    }
    for (name, value) in &exporter.headers {
        request = request.header(name, http_client::sensitive(value).ok()?);
    }
    request.body(Full::new(body)).ok()
}

/// HTTP/2 wants the whole address, HTTP/1.1 the path.
fn target(exporter: &Exporter) -> Option<Uri> {
    match exporter.protocol {
        Protocol::Grpc => Some(exporter.uri.clone()),
        Protocol::HttpProtobuf => exporter.uri.path_and_query()?.as_str().parse().ok(),
    }
}

/// A message of gRPC: not compressed, its length, itself.
fn framed(message: &impl Message) -> Bytes {
    let length = message.encoded_len();
    let mut frame = BytesMut::with_capacity(5 + length);
    frame.put_u8(0);
    frame.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    // There is room for all of it.
    let _ = message.encode(&mut frame);
    frame.freeze()
}

/// What the collector says. gRPC says it in trailers, or in headers where there is no body.
fn judge(protocol: Protocol, answer: Answer) -> Result<(), ExportError> {
    if !answer.status().is_success() {
        return Err(ExportError::Http(answer.status().as_u16()));
    }
    if protocol == Protocol::HttpProtobuf {
        return Ok(());
    }
    let status =
        |headers: &http::HeaderMap| headers.get("grpc-status")?.to_str().ok()?.parse().ok();
    let said = status(answer.headers()).or_else(|| status(answer.body().trailers()?));
    match said {
        Some(0) => Ok(()),
        said => Err(ExportError::Grpc(said)),
    }
}
