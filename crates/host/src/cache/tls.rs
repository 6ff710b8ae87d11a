//! TLS: the client configuration, and what went wrong, by type.
//!
//! TLS 1.3 and 1.2. Azure's 1.2 suites are CBC only, which rustls does not have, so with Azure it
//! is always 1.3. The chain and the host name are verified; there is no switch for that. Nor are sessions
//! resumed: a resumed session does not show the certificate again (RFC 8446, 2.2), so it would prove
//! nothing about it.

use crate::cache::CacheError;
use crate::files::{Contents, FileError, Files, MAX_FILE};
use cache_health_provider::ConfigError;
use rustls::client::Resumption;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{CertificateError, ClientConfig, RootCertStore};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
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
    current: Mutex<Arc<ClientConfig>>,
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
        let error = |error: CaFileError| ConfigError {
            variable: variable.to_owned(),
            problem: error.to_string(),
        };
        let Some(path) = path else {
            let roots = RootCertStore {
                roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
            };
            return Ok(Arc::new(Self {
                ca: None,
                current: Mutex::new(client_config(roots)),
            }));
        };
        let contents = files.read(&path, MAX_FILE).await;
        let contents = contents.map_err(|e| error(CaFileError::Unreadable(e)))?;
        let roots = private_roots(&contents).map_err(error)?;
        Ok(Arc::new(Self {
            ca: Some(CaFile {
                variable,
                path,
                files: Arc::clone(files),
                contents: Mutex::new(contents),
            }),
            current: Mutex::new(client_config(roots)),
        }))
    }

    /// The configuration as it is now. A file that cannot be used any more leaves the last one in force: it
    /// may be in the middle of being replaced.
    pub async fn current(&self) -> Arc<ClientConfig> {
        if let Some(ca) = &self.ca {
            let read = ca.files.read(&ca.path, MAX_FILE);
            let read = tokio::time::timeout(LOOK_LIMIT, read).await;
            let read = read.unwrap_or(Err(FileError::Timeout));
            if let Err(error) = self.take_in(ca, read) {
                let variable = ca.variable;
                warn!(variable, %error, "what it held before stays in force");
            }
        }
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current)
    }

    fn take_in(&self, ca: &CaFile, read: Result<Contents, FileError>) -> Result<(), CaFileError> {
        let contents = read.map_err(CaFileError::Unreadable)?;
        let mut known = ca.contents.lock().unwrap_or_else(PoisonError::into_inner);
        if *known != contents {
            let config = client_config(private_roots(&contents)?);
            *self.current.lock().unwrap_or_else(PoisonError::into_inner) = config;
            *known = contents;
            info!(
                variable = ca.variable,
                "the file has changed and was read again"
            );
        }
        Ok(())
    }
}

fn client_config(roots: RootCertStore) -> Arc<ClientConfig> {
    let mut config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    Arc::new(config)
}

fn private_roots(pem: &[u8]) -> Result<RootCertStore, CaFileError> {
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
    Ok(roots)
}

/// Why a handshake failed.
pub fn handshake_error(error: &io::Error) -> CacheError {
    let Some(tls) = error
        .get_ref()
        .and_then(|source| source.downcast_ref::<rustls::Error>())
    else {
        return CacheError::Closed;
    };
    match tls {
        rustls::Error::InvalidCertificate(certificate) => match certificate {
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                CacheError::TlsHostname
            }
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => CacheError::TlsExpired,
            _ => CacheError::TlsUntrusted,
        },
        _ => CacheError::TlsProtocol,
    }
}
