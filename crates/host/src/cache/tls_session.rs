//! Evidence of a TLS session, for reports: what was negotiated, and whose certificate it was.

use cache_health_report::Evidence;
use rustls::ClientConnection;
use rustls::pki_types::CertificateDer;
use std::net::IpAddr;
use std::time::UNIX_EPOCH;
use x509_cert::der::Decode as _;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::{Certificate, TbsCertificate};

/// The most names of a certificate that are reported, and the longest text of each: the
/// certificate was verified, but a report stays readable whatever is in it.
const MAX_NAMES: usize = 20;
const MAX_TEXT: usize = 256;
/// The most certificates of a chain that are named.
const MAX_CHAIN: usize = 5;

/// What a TLS session established.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsEvidence {
    /// `TLSv1.3` or `TLSv1.2`.
    pub protocol: String,
    /// The cipher suite by its IANA name.
    pub cipher: String,
    /// The issuer in the server's certificate (RFC 4514).
    pub issuer: String,
    /// The names the server's certificate is for.
    pub names: Vec<String>,
    /// When it ends, in seconds since 1970-01-01T00:00:00Z.
    pub not_after: i64,
}

/// Reads the evidence from an established connection. A connection only becomes established after
/// chain and host name were verified. None only for a certificate that rustls can verify and
/// `x509-cert` cannot read.
pub fn of(connection: &ClientConnection) -> Option<TlsEvidence> {
    let protocol = match connection.protocol_version()? {
        rustls::ProtocolVersion::TLSv1_3 => "TLSv1.3",
        rustls::ProtocolVersion::TLSv1_2 => "TLSv1.2",
        _ => "unknown",
    };
    let suite = connection.negotiated_cipher_suite()?.suite();
    let der = connection.peer_certificates()?.first()?;
    let certificate = Certificate::from_der(der).ok()?;
    let certificate = certificate.tbs_certificate();
    let not_after = certificate
        .validity()
        .not_after
        .to_unix_duration()
        .as_secs();
    Some(TlsEvidence {
        protocol: protocol.to_owned(),
        cipher: suite.as_str().unwrap_or("unknown").to_owned(),
        issuer: clip(certificate.issuer().to_string()),
        names: names(certificate),
        not_after: i64::try_from(not_after).unwrap_or(i64::MAX),
    })
}

/// Adds what a chain of certificates says of itself, whether it was verified or not.
pub fn describe(chain: &[CertificateDer<'_>], evidence: &mut Evidence) {
    let Some(leaf) = chain
        .first()
        .and_then(|der| Certificate::from_der(der).ok())
    else {
        return;
    };
    let leaf = leaf.tbs_certificate();
    let (subject, issuer) = (leaf.subject().to_string(), leaf.issuer().to_string());
    *evidence = std::mem::take(evidence).with_list("tls.names", names(leaf));
    evidence.set("tls.subject", &subject);
    evidence.set("tls.issuer", &issuer);
    let time = |seconds| humantime::format_rfc3339_seconds(UNIX_EPOCH + seconds).to_string();
    let validity = leaf.validity();
    evidence.set(
        "tls.notBefore",
        time(validity.not_before.to_unix_duration()),
    );
    evidence.set("tls.notAfter", time(validity.not_after.to_unix_duration()));
    let chained = if subject == issuer {
        "self-signed".to_owned()
    } else if chain.len() == 1 {
        "only the server's certificate".to_owned()
    } else {
        let certificates = chain
            .iter()
            .filter_map(|der| Certificate::from_der(der).ok());
        let issuers = certificates.map(|c| c.tbs_certificate().issuer().to_string());
        issuers.take(MAX_CHAIN).collect::<Vec<_>>().join(" <- ")
    };
    evidence.set("tls.chain", chained);
}

fn names(certificate: &TbsCertificate) -> Vec<String> {
    certificate
        .get_extension::<SubjectAltName>()
        .ok()
        .flatten()
        .map(|(_, names)| names.0.iter().filter_map(name).take(MAX_NAMES).collect())
        .unwrap_or_default()
}

fn name(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(dns) => Some(clip(dns.to_string())),
        GeneralName::IpAddress(octets) => {
            let bytes = octets.as_bytes();
            let address = <[u8; 4]>::try_from(bytes)
                .map(IpAddr::from)
                .or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from));
            address.ok().map(|address| address.to_string())
        }
        _ => None,
    }
}

fn clip(text: String) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(MAX_TEXT)
        .collect()
}
