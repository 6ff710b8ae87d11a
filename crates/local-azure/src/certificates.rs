//! Certificates minted at run time; nothing here is ever committed.

use anyhow::Result;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};
use time::{Duration, OffsetDateTime};

/// A certificate authority of one's own.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// What a server's certificate is for.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// DNS names and IP addresses.
    pub names: Vec<String>,
    /// When it starts to be valid, counted from now.
    pub starts: Duration,
    /// When it ends, counted from now.
    pub ends: Duration,
}

impl Default for Leaf {
    fn default() -> Self {
        Self {
            names: vec!["localhost".to_owned(), "127.0.0.1".to_owned()],
            starts: Duration::days(-1),
            ends: Duration::days(90),
        }
    }
}

/// A server's certificate and its key, as PEM.
#[derive(Clone, Debug)]
pub struct Chain {
    /// The certificate.
    pub certificate: String,
    /// The private key.
    pub key: String,
}

impl Authority {
    /// A new authority of this name.
    pub fn new(name: &str) -> Result<Self> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        Ok(Self { issuer })
    }

    /// A server's certificate that nobody but itself vouches for.
    pub fn self_signed(leaf: &Leaf) -> Result<Chain> {
        let key = KeyPair::generate()?;
        let certificate = leaf_params(leaf)?.self_signed(&key)?;
        Ok(Chain {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        })
    }

    /// The authority's own certificate, as PEM.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A certificate for a server.
    pub fn issue(&self, leaf: &Leaf) -> Result<Chain> {
        let key = KeyPair::generate()?;
        let certificate = leaf_params(leaf)?.signed_by(&key, &self.issuer)?;
        Ok(Chain {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        })
    }
}

fn leaf_params(leaf: &Leaf) -> Result<CertificateParams> {
    let mut params = CertificateParams::new(leaf.names.clone())?;
    let now = OffsetDateTime::now_utc();
    params.not_before = now + leaf.starts;
    params.not_after = now + leaf.ends;
    params
        .distinguished_name
        .push(DnType::CommonName, "cache-health stand-in");
    Ok(params)
}
