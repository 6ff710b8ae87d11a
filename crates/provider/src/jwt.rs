//! The claims of an Entra token that matter here (RFC 7519). The signature is not verified: Redis
//! does that. What is read is only who the user name has to be, and when the token ends.

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;
use thiserror::Error;

/// base64url, with or without padding: both are seen in the wild.
const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The longest object id that is accepted. Azure's are GUIDs of 36 characters.
const MAX_OBJECT_ID: usize = 128;

/// The claims that matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// The object id of the identity: the user name on Azure Redis.
    pub object_id: String,
    /// When the token ends, in seconds since 1970-01-01T00:00:00Z.
    pub expires_at: Option<i64>,
}

/// Why a token cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum JwtError {
    /// Not three parts, or the middle one is not base64url of a JSON object.
    #[error("the token is not a JSON Web Token")]
    NotAJwt,
    /// No `oid`, or none that could be a user name.
    #[error("the token has no usable oid claim")]
    NoObjectId,
}

#[derive(Deserialize)]
struct Payload {
    oid: Option<serde_json::Value>,
    exp: Option<serde_json::Number>,
}

impl Claims {
    /// Reads the claims of a token.
    pub fn of(token: &str) -> Result<Self, JwtError> {
        let mut parts = token.split('.');
        let (Some(_), Some(payload), Some(_), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(JwtError::NotAJwt);
        };
        let payload = BASE64URL.decode(payload).map_err(|_| JwtError::NotAJwt)?;
        let payload: Payload = serde_json::from_slice(&payload).map_err(|_| JwtError::NotAJwt)?;
        // An object id is printed in reports and logs: nothing but a plain word is one.
        let object_id = payload
            .oid
            .as_ref()
            .and_then(|oid| oid.as_str())
            .filter(|oid| !oid.is_empty() && oid.len() <= MAX_OBJECT_ID)
            .filter(|oid| oid.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'))
            .ok_or(JwtError::NoObjectId)?
            .to_owned();
        let expires_at = payload
            .exp
            .and_then(|exp| exp.as_i64().or_else(|| exp.as_f64().map(|exp| exp as i64)));
        Ok(Self {
            object_id,
            expires_at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};

    fn token(payload: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(payload))
    }

    #[test]
    fn oid_and_exp_are_read_from_the_parsed_claims() {
        let claims = Claims::of(&token(r#"{"aud":"oid","oid":"8a1f-00","exp":1795597200}"#));
        assert_eq!(
            claims,
            Ok(Claims {
                object_id: "8a1f-00".into(),
                expires_at: Some(1_795_597_200)
            })
        );
    }

    #[test]
    fn padding_is_accepted_and_not_needed() {
        let payload = r#"{"oid":"a"}"#;
        let padded = format!("e30.{}.c2ln", URL_SAFE.encode(payload));
        assert!(padded.contains('='));
        assert_eq!(Claims::of(&padded), Claims::of(&token(payload)));
    }

    #[test]
    fn a_token_without_a_usable_oid_is_refused_rather_than_called_default() {
        for payload in [
            "{}",
            r#"{"oid":null}"#,
            r#"{"oid":7}"#,
            r#"{"oid":""}"#,
            r#"{"oid":"a b"}"#,
            r#"{"oid":"a\u001b[31m"}"#,
        ] {
            assert_eq!(
                Claims::of(&token(payload)),
                Err(JwtError::NoObjectId),
                "{payload}"
            );
        }
    }

    #[test]
    fn what_is_not_a_jwt_is_said_not_to_be() {
        for text in [
            "",
            "a",
            "a.b",
            "a.b.c",
            "a.e30",
            "e30.e30.e30.e30",
            "a.!!!.c",
            "a.W10.c",
        ] {
            let result = Claims::of(text);
            assert!(
                matches!(result, Err(JwtError::NotAJwt)),
                "{text}: {result:?}"
            );
        }
    }
}
