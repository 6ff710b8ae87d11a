//! Evidence of a TLS session, for reports: what was negotiated, and whose certificate it was.

use rustls::ClientConnection;
use std::net::IpAddr;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

/// The most names of a certificate that are reported, and the longest text of each: the
/// certificate was verified, but a report stays readable whatever is in it.
const MAX_NAMES: usize = 20;
const MAX_TEXT: usize = 256;

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
        names: certificate
            .get_extension::<SubjectAltName>()
            .ok()
            .flatten()
            .map(|(_, names)| names.0.iter().filter_map(name).take(MAX_NAMES).collect())
            .unwrap_or_default(),
        not_after: i64::try_from(not_after).unwrap_or(i64::MAX),
    })
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
