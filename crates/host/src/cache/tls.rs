//! TLS: the client configuration, and what went wrong, by type.
//!
//! TLS 1.3 and 1.2. Azure's 1.2 suites are CBC only, which rustls does not have, so with Azure it
//! is always 1.3. The chain and the host name are verified; there is no switch for that. Nor are sessions
//! resumed: a resumed session does not show the certificate again (RFC 8446, 2.2), so it would prove
//! nothing about it.

use crate::cache::CacheError;
use crate::cache::presented::Presented;
use crate::files::{Contents, FileError, Files, MAX_FILE};
use cache_health_provider::ConfigError;
use cache_health_report::Evidence;
use parking_lot::Mutex;
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{CertificateError, ClientConfig, RootCertStore};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tracing::{info, warn};

/// How long a connection waits to learn whether the file with the CA has changed.
const LOOK_LIMIT: Duration = Duration::from_secs(1);

/// A file with a CA cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CaFileError {
    /// The file cannot be read.
    #[error("{0}")]
    Unreadable(FileError),
    /// The file holds no certificate that can be a root.
    #[error("holds no PEM certificate")]
    NoCertificate,
}

/// The client configuration: the Mozilla roots built in, or a private CA in their place. The file of a
/// private CA is read again for each connection.
pub struct TlsSettings {
    ca: Option<CaFile>,
    current: Mutex<Trust>,
}

/// What is trusted: the configuration, and the verifier in it.
#[derive(Clone)]
pub struct Trust {
    config: Arc<ClientConfig>,
    verifier: Arc<WebPkiServerVerifier>,
}

impl Trust {
    fn of(roots: RootCertStore) -> Result<Self, CaFileError> {
        let verifier = WebPkiServerVerifier::builder(Arc::new(roots))
            .build()
            .map_err(|_| CaFileError::NoCertificate)?;
        let mut config = ClientConfig::builder()
            .with_webpki_verifier(Arc::clone(&verifier))
            .with_no_client_auth();
        // A resumed session is not verified again. rustls would resume none under another verifier, and each connection
        // has its own; this does not hang on that.
        config.resumption = Resumption::disabled();
        Ok(Self {
            config: Arc::new(config),
            verifier,
        })
    }

    /// For connections of which nothing is kept.
    pub fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.config)
    }

    /// For one connection, whose certificates are kept.
    pub fn watched(&self, presented: &Arc<Presented>) -> Arc<ClientConfig> {
        Arc::new(presented.watch(&self.config, &self.verifier))
    }
}

impl std::fmt::Debug for TlsSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TlsSettings")
            .field("ca", &self.ca)
            .finish_non_exhaustive()
    }
}

struct CaFile {
    variable: &'static str,
    /// Whether it adds to the built-in roots in place of replacing them.
    adds: bool,
    path: PathBuf,
    files: Arc<Files>,
    /// What the current configuration was made of.
    contents: Mutex<Contents>,
}

impl std::fmt::Debug for CaFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CaFile")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl TlsSettings {
    /// The configuration, from the file that this variable names where it is set.
    pub async fn load(
        files: &Arc<Files>,
        variable: &'static str,
        path: Option<PathBuf>,
    ) -> Result<Arc<Self>, ConfigError> {
        let error = |error: CaFileError| ConfigError::new(variable, error.to_string());
        let Some(path) = path else {
            return Ok(Arc::new(Self {
                ca: None,
                current: Mutex::new(Trust::of(built_in_roots()).map_err(error)?),
            }));
        };
        Self::of_file(files, variable, path, false).await
    }

    /// The configuration with the built-in roots and those of the file that this variable names.
    pub async fn with_extra(
        files: &Arc<Files>,
        variable: &'static str,
        path: PathBuf,
    ) -> Result<Arc<Self>, ConfigError> {
        Self::of_file(files, variable, path, true).await
    }

    async fn of_file(
        files: &Arc<Files>,
        variable: &'static str,
        path: PathBuf,
        adds: bool,
    ) -> Result<Arc<Self>, ConfigError> {
        let error = |error: CaFileError| ConfigError::new(variable, error.to_string());
        let contents = files.read(&path, MAX_FILE).await;
        let contents = contents.map_err(|e| error(CaFileError::Unreadable(e)))?;
        let roots = private_roots(&contents, adds).map_err(error)?;
        Ok(Arc::new(Self {
            ca: Some(CaFile {
                variable,
                adds,
                path,
                files: Arc::clone(files),
                contents: Mutex::new(contents),
            }),
            current: Mutex::new(Trust::of(roots).map_err(error)?),
        }))
    }

    /// Where the roots come from, for reports.
    pub fn roots(&self) -> &'static str {
        self.ca.as_ref().map_or("built-in", |ca| ca.variable)
    }

    /// What is trusted now. A file that cannot be used any more leaves the last one in force: it
    /// may be in the middle of being replaced.
    pub async fn current(&self) -> Trust {
        if let Some(ca) = &self.ca {
            let read = ca.files.read(&ca.path, MAX_FILE);
            let read = tokio::time::timeout(LOOK_LIMIT, read).await;
            let read = read.unwrap_or(Err(FileError::Timeout));
            if let Err(error) = self.take_in(ca, read) {
                let variable = ca.variable;
                warn!(variable, %error, "what it held before stays in force");
            }
        }
        let current = self.current.lock();
        current.clone()
    }

    fn take_in(&self, ca: &CaFile, read: Result<Contents, FileError>) -> Result<(), CaFileError> {
        let contents = read.map_err(CaFileError::Unreadable)?;
        let mut known = ca.contents.lock();
        if *known != contents {
            let config = Trust::of(private_roots(&contents, ca.adds)?)?;
            *self.current.lock() = config;
            *known = contents;
            info!(
                variable = ca.variable,
                "the file has changed and was read again"
            );
        }
        Ok(())
    }
}

fn built_in_roots() -> RootCertStore {
    RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    }
}

/// Those of a PEM file, `adds`: beside the built-in ones.
fn private_roots(pem: &[u8], adds: bool) -> Result<RootCertStore, CaFileError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|_| CaFileError::NoCertificate)?;
        roots
            .add(certificate)
            .map_err(|_| CaFileError::NoCertificate)?;
    }
    if roots.is_empty() {
        return Err(CaFileError::NoCertificate);
    }
    if adds {
        roots.roots.extend(built_in_roots().roots);
    }
    Ok(roots)
}

/// Why a handshake failed; what the verifier said of the certificate is added to the evidence.
pub fn handshake_error(error: &io::Error, evidence: &mut Evidence) -> CacheError {
    match rustls_error(error) {
        Some(tls) => tls_error(tls, evidence),
        None => CacheError::Closed,
    }
}

/// The error of TLS inside of one of input and output.
pub fn rustls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

/// What an error of TLS is called.
pub fn tls_error(error: &rustls::Error, evidence: &mut Evidence) -> CacheError {
    match error {
        rustls::Error::InvalidCertificate(certificate) => {
            let (called, problem) = certificate_error(certificate, evidence);
            evidence.set("tls.problem", problem);
            called
        }
        rustls::Error::AlertReceived(alert) => {
            evidence.set("tls.alert", snake_case(&format!("{alert:?}")));
            CacheError::TlsProtocol
        }
        _ => CacheError::TlsProtocol,
    }
}

fn certificate_error(error: &CertificateError, evidence: &Evidence) -> (CacheError, &'static str) {
    use CacheError::{TlsExpired, TlsHostname, TlsUntrusted};
    match error {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            let named = evidence.get("tls.names").is_some();
            (TlsHostname, if named { "name" } else { "no-names" })
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            (TlsExpired, "ended")
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            (TlsExpired, "not-valid-yet")
        }
        CertificateError::UnknownIssuer if evidence.get("tls.chain") == Some("self-signed") => {
            (TlsUntrusted, "self-signed")
        }
        CertificateError::UnknownIssuer => (TlsUntrusted, "unknown-issuer"),
        CertificateError::BadSignature => (TlsUntrusted, "bad-signature"),
        CertificateError::BadEncoding
        | CertificateError::UnhandledCriticalExtension
        | CertificateError::InvalidOcspResponse => (TlsUntrusted, "form"),
        CertificateError::Revoked => (TlsUntrusted, "revoked"),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            (TlsUntrusted, "purpose")
        }
        CertificateError::Other(other) => (TlsUntrusted, webpki_problem(other)),
        // Kinds of keys and signatures, and what later versions tell apart.
        _ => (TlsUntrusted, "key"),
    }
}

fn webpki_problem(other: &rustls::OtherError) -> &'static str {
    match other.0.downcast_ref::<webpki::Error>() {
        Some(webpki::Error::CaUsedAsEndEntity) => "authority-as-server",
        Some(webpki::Error::NameConstraintViolation) => "constraints",
        Some(
            webpki::Error::MaximumPathDepthExceeded
            | webpki::Error::MaximumPathBuildCallsExceeded
            | webpki::Error::PathLenConstraintViolated,
        ) => "chain-too-long",
        Some(webpki::Error::EndEntityUsedAsCa) => "constraints",
        Some(webpki::Error::UnsupportedCertVersion) => "form",
        _ => "key",
    }
}

/// `HandshakeFailure` as the IANA registry writes it.
fn snake_case(name: &str) -> String {
    name.chars()
        .enumerate()
        .fold(String::new(), |mut out, (at, c)| {
            if c.is_ascii_uppercase() && at > 0 {
                out.push('_');
            }
            out.push(c.to_ascii_lowercase());
            out
        })
}
