//! What a server presents in a handshake, kept also when it is refused: the certificate, whether it asks for one of ours,
//! and the first bytes when it does not speak TLS at all.

use crate::cache::tls_session;
use cache_health_report::Evidence;
use parking_lot::{Mutex, MutexGuard};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, WebPkiServerVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How many of the first bytes are kept: enough to tell protocols apart.
const FIRST: usize = 8;

/// What a server presented.
#[derive(Debug, Default)]
pub struct Presented {
    chain: Mutex<Vec<CertificateDer<'static>>>,
    wants_certificate: AtomicBool,
    first: Mutex<Vec<u8>>,
}

impl Presented {
    /// Whether it asked for a client certificate.
    pub fn wants_certificate(&self) -> bool {
        self.wants_certificate.load(Ordering::Relaxed)
    }

    /// Adds what was seen.
    pub fn describe(&self, evidence: &mut Evidence) {
        tls_session::describe(&lock(&self.chain), evidence);
        if self.wants_certificate() {
            evidence.set("tls.clientCertificate", "requested");
        }
        let first = lock(&self.first);
        if first.is_empty() {
            evidence.set("tls.receivedBytes", "0");
        }
        if let Some(protocol) = protocol(&first) {
            evidence.set("tls.received", protocol);
        }
    }

    /// The configuration for one connection that keeps what it sees here. Verification stays as it is.
    pub fn watch(
        self: &Arc<Self>,
        base: &ClientConfig,
        verifier: &Arc<WebPkiServerVerifier>,
    ) -> ClientConfig {
        let mut config = base.clone();
        config
            .dangerous()
            .set_certificate_verifier(Arc::new(Watching {
                presented: Arc::clone(self),
                verifier: Arc::clone(verifier),
            }));
        config.client_auth_cert_resolver = Arc::new(NoCertificate(Arc::clone(self)));
        config
    }
}

/// What speaks, by its first bytes. None for TLS, and for what is not known.
fn protocol(first: &[u8]) -> Option<&'static str> {
    if first.starts_with(b"HTTP/") {
        return Some("http");
    }
    let redis = |line: &[u8]| matches!(line, [b'-' | b'+', b'A'..=b'Z', ..]);
    if redis(first) {
        return Some("redis");
    }
    let printable = |b: &u8| b.is_ascii_graphic() || b.is_ascii_whitespace();
    (!first.is_empty() && first.iter().all(printable)).then_some("plaintext")
}

/// Verifies as rustls does, and keeps what was presented.
#[derive(Debug)]
struct Watching {
    presented: Arc<Presented>,
    verifier: Arc<WebPkiServerVerifier>,
}

impl ServerCertVerifier for Watching {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain = [std::slice::from_ref(end_entity), intermediates].concat();
        let owned = chain.into_iter().map(CertificateDer::into_owned);
        *lock(&self.presented.chain) = owned.collect();
        self.verifier
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}

/// There is no certificate of ours; that one was asked for is worth knowing.
#[derive(Debug)]
struct NoCertificate(Arc<Presented>);

impl ResolvesClientCert for NoCertificate {
    fn resolve(
        &self,
        _root_hint_subjects: &[&[u8]],
        _sigschemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        self.0.wants_certificate.store(true, Ordering::Relaxed);
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

/// A stream whose first bytes are kept.
pub struct FirstBytes<S> {
    inner: S,
    presented: Arc<Presented>,
    kept: usize,
}

impl<S> FirstBytes<S> {
    /// Nothing read yet.
    pub fn of(inner: S, presented: &Arc<Presented>) -> Self {
        Self {
            inner,
            presented: Arc::clone(presented),
            kept: 0,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for FirstBytes<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?;
        if self.kept < FIRST {
            let new = &buffer.filled()[before..];
            let new = &new[..new.len().min(FIRST - self.kept)];
            lock(&self.presented.first).extend_from_slice(new);
            self.kept += new.len();
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for FirstBytes<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocols_are_told_by_their_first_bytes() {
        assert_eq!(protocol(b"HTTP/1.1"), Some("http"));
        assert_eq!(protocol(b"-ERR unk"), Some("redis"));
        assert_eq!(protocol(b"+PONG\r\n"), Some("redis"));
        assert_eq!(protocol(b"220 smtp"), Some("plaintext"));
        assert_eq!(protocol(&[22, 3, 3, 0, 122, 2, 0, 0]), None);
        assert_eq!(protocol(b""), None);
    }
}
