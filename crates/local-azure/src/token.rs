//! Tokens and keys of the stand-in.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use std::time::{SystemTime, UNIX_EPOCH};

/// A token as Entra would issue it, but for the signature.
#[derive(Clone, Debug)]
pub struct Token {
    /// The object id it is for.
    pub object_id: String,
    /// The token itself.
    pub text: String,
    /// When it ends, in seconds since 1970-01-01T00:00:00Z.
    pub expires_at: i64,
}

impl Token {
    /// A new token for this object id that lives this many seconds.
    pub fn mint(object_id: &str, life: i64) -> Self {
        let expires_at = now() + life;
        let claims = format!(
            r#"{{"aud":"https://redis.azure.com","oid":"{object_id}","exp":{expires_at},"jti":"{:032x}"}}"#,
            fastrand::u128(..)
        );
        Self {
            text: jwt(&claims),
            object_id: object_id.to_owned(),
            expires_at,
        }
    }
}

/// When a token ends; none for what is not one.
pub fn end_of(word: &[u8]) -> Option<i64> {
    claims_of(std::str::from_utf8(word).ok()?)?
        .get("exp")?
        .as_i64()
}

/// Whose a token is; none for what is not one.
pub fn object_id_of(text: &str) -> Option<String> {
    Some(claims_of(text)?.get("oid")?.as_str()?.to_owned())
}

fn claims_of(text: &str) -> Option<serde_json::Value> {
    let payload = URL_SAFE_NO_PAD.decode(text.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&payload).ok()
}

/// A JWT with these claims and a signature that is none.
pub fn jwt(claims: &str) -> String {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","typ":"JWT"}"#);
    let signature = URL_SAFE_NO_PAD.encode(fastrand::u128(..).to_be_bytes());
    format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(claims))
}

/// An object id like Entra's.
pub fn object_id() -> String {
    let id = format!("{:032x}", fastrand::u128(..));
    format!(
        "{}-{}-{}-{}-{}",
        &id[..8],
        &id[8..12],
        &id[12..16],
        &id[16..20],
        &id[20..]
    )
}

/// An access key like Azure's: base64 with the characters that make trouble in URLs.
pub fn access_key() -> String {
    let mut bytes = [0u8; 32];
    fastrand::fill(&mut bytes);
    // `+/` at the start and `=` at the end, whatever chance says.
    format!("+/{}", STANDARD.encode(bytes))
}

/// Seconds since 1970-01-01T00:00:00Z.
pub fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| {
            i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
        })
}
