//! TLS: the client configuration, built once, and what went wrong, by type.
//!
//! TLS 1.3 and 1.2. Azure's 1.2 suites are CBC only, which rustls does not have, so with Azure it
//! is always 1.3. The chain and the host name are verified; there is no switch for that.

use crate::cache::CacheError;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{CertificateError, ClientConfig, RootCertStore};
use std::io;
use std::path::Path;
use std::sync::Arc;
use thiserror::Error;

/// `REDIS_CA_FILE` cannot be used.
#[derive(Debug, Error)]
pub enum CaFileError {
    /// The file cannot be read.
    #[error("cannot be read: {}", .0.kind())]
    Unreadable(io::Error),
    /// The file holds no certificate that can be a root.
    #[error("holds no PEM certificate")]
    NoCertificate,
}

/// The client configuration: the Mozilla roots built in, or a private CA in their place.
pub fn client_config(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, CaFileError> {
    let roots = match ca_file {
        Some(path) => private_roots(path)?,
        None => RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        },
    };
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn private_roots(path: &Path) -> Result<RootCertStore, CaFileError> {
    let pem = std::fs::read(path).map_err(CaFileError::Unreadable)?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
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
