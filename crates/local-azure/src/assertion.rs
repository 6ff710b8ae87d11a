//! An assertion that an application signed with its certificate's key, verified as Entra verifies one
//! (<https://learn.microsoft.com/entra/identity-platform/certificate-credentials>).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use ring::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};
use serde_json::Value;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;

/// The longest life that is accepted, in seconds.
const LONGEST: i64 = 24 * 60 * 60;
/// Entra's codes.
const MALFORMED: u32 = 50_027;
const UNKNOWN_CERTIFICATE: u32 = 700_027;
const NOT_IN_ITS_TIME: u32 = 700_024;
const WRONG_AUDIENCE: u32 = 700_212;
const WRONG_SUBJECT: u32 = 700_021;

/// What an assertion has to say.
pub struct Wanted<'a> {
    /// The address of the token endpoint.
    pub audience: String,
    /// The application.
    pub client_id: &'a str,
    /// The certificate that is registered, DER.
    pub certificate: &'a [u8],
}

/// Whether it is good; Entra's code for what is wrong with it.
pub fn judge(assertion: &str, wanted: &Wanted<'_>) -> Result<(), u32> {
    let (message, signature) = assertion.rsplit_once('.').ok_or(MALFORMED)?;
    let (header, claims) = message.split_once('.').ok_or(MALFORMED)?;
    let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| MALFORMED);
    let json = |part: &str| serde_json::from_slice::<Value>(&decoded(part)?).map_err(|_| MALFORMED);
    let (header, claims) = (json(header)?, json(claims)?);
    // As Azure.Identity signs, or as azure-identity for Python does: Entra takes both.
    let is = |name: &str, of| {
        let thumbprint = URL_SAFE_NO_PAD.encode(digest(of, wanted.certificate));
        // MSAL for Python pads it.
        let said = header[name].as_str().unwrap_or_default();
        said.trim_end_matches('=') == thumbprint
    };
    let algorithm: &dyn VerificationAlgorithm = match header["alg"].as_str() {
        Some("PS256") if is("x5t#S256", &SHA256) => &RSA_PSS_2048_8192_SHA256,
        Some("RS256") if is("x5t", &SHA1_FOR_LEGACY_USE_ONLY) => &RSA_PKCS1_2048_8192_SHA256,
        _ => return Err(UNKNOWN_CERTIFICATE),
    };
    let certificate = Certificate::from_der(wanted.certificate).map_err(|_| MALFORMED)?;
    let info = certificate.tbs_certificate().subject_public_key_info();
    let key = info.subject_public_key.raw_bytes();
    UnparsedPublicKey::new(algorithm, key)
        .verify(message.as_bytes(), &decoded(signature)?)
        .map_err(|_| UNKNOWN_CERTIFICATE)?;
    judge_claims(&claims, wanted)
}

fn judge_claims(claims: &Value, wanted: &Wanted<'_>) -> Result<(), u32> {
    let is = |name: &str, value: &str| claims[name] == *value;
    if !is("aud", &wanted.audience) {
        return Err(WRONG_AUDIENCE);
    }
    if !is("iss", wanted.client_id) || !is("sub", wanted.client_id) || claims["jti"].is_null() {
        return Err(WRONG_SUBJECT);
    }
    // MSAL for Python says when it signed, and not from when on it counts.
    // A date may have a fraction (RFC 7519, 2).
    let time = |name: &str| claims[name].as_f64().map(|seconds| seconds as i64);
    let from = time("nbf").or(time("iat")).unwrap_or(0);
    let (until, now) = (time("exp").unwrap_or(0), crate::token::now());
    if from <= now && now < until && until - from <= LONGEST {
        Ok(())
    } else {
        Err(NOT_IN_ITS_TIME)
    }
}
