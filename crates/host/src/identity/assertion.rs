//! An assertion that an application signs with its certificate's key
//! (<https://learn.microsoft.com/entra/identity-platform/certificate-credentials>): a JWT (RFC 7519), signed with PS256
//! (RFC 7518, 3.5), that names the certificate by its SHA-256 thumbprint (RFC 7515, 4.1.8).

use crate::clock;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cache_health_provider::SecretString;
use cache_health_provider::client_credentials::audience;
use cache_health_provider::config::Application;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PSS_SHA256, RsaKeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;

/// The variable with the file's path.
pub const VARIABLE: &str = "AZURE_CLIENT_CERTIFICATE_PATH";
/// How long an assertion lives, in seconds, as in Azure's SDKs.
const LIFE: i64 = 10 * 60;

/// Why a file cannot sign an assertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AssertionError {
    /// There is no certificate in it.
    #[error("holds no PEM certificate (a PFX file has to be converted: openssl pkcs12 -nodes)")]
    NoCertificate,
    /// There is no private key in it that can be used.
    #[error(
        "holds no private key that can be used: it has to be RSA, in PKCS#8 (BEGIN PRIVATE KEY), and not encrypted"
    )]
    NoKey,
    /// Signing failed.
    #[error("holds a private key that cannot sign")]
    Signing,
}

/// An assertion that is signed with the key in this PEM, for the certificate in it.
pub fn signed(application: &Application, pem: &[u8]) -> Result<SecretString, AssertionError> {
    let certificate = CertificateDer::pem_slice_iter(pem).find_map(Result::ok);
    let certificate = certificate.ok_or(AssertionError::NoCertificate)?;
    let key = PrivateKeyDer::from_pem_slice(pem).map_err(|_| AssertionError::NoKey)?;
    let PrivateKeyDer::Pkcs8(key) = &key else {
        return Err(AssertionError::NoKey);
    };
    let key = RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()).map_err(|_| AssertionError::NoKey)?;

    let thumbprint = URL_SAFE_NO_PAD.encode(digest(&SHA256, &certificate));
    let header = serde_json::json!({"alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint});
    let issued = clock::wall_seconds();
    let claims = serde_json::json!({
        "aud": audience(application),
        "iss": application.client_id,
        "sub": application.client_id,
        "jti": format!("{:032x}", fastrand::u128(..)),
        "nbf": issued,
        "iat": issued,
        "exp": issued + LIFE,
    });
    let encoded = |part: &serde_json::Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let message = format!("{}.{}", encoded(&header), encoded(&claims));
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(
        &RSA_PSS_SHA256,
        &SystemRandom::new(),
        message.as_bytes(),
        &mut signature,
    )
    .map_err(|_| AssertionError::Signing)?;
    let assertion = format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature));
    Ok(SecretString::from(assertion))
}
