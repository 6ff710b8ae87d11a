//! Answers of those who issue tokens, judged. They come from outside and are trusted for nothing but their token. What is
//! asked is in [`crate::managed_identity`] and [`crate::client_credentials`]; who sends it is the provider's business.

use crate::jwt::{Claims, JwtError};
use cache_health_report::{Failure, Kind};
use secrecy::SecretString;
use serde::Deserialize;
use std::time::Duration;

/// The longest answer that is read, in bytes. Tokens are two to four kilobytes.
pub const MAX_ANSWER: usize = 64 * 1024;

/// A token that can be used.
#[derive(Clone, Debug)]
pub struct Token {
    /// The token itself: the password.
    pub secret: SecretString,
    /// The object id in it: the user name.
    pub object_id: String,
    /// When it ends, in seconds since 1970-01-01T00:00:00Z.
    pub expires_at: i64,
}

/// A request that gave no token.
#[derive(Clone, Debug)]
pub struct NoToken {
    /// Why: [`Kind::TokenUnavailable`], worth trying again later; [`Kind::TokenRejected`], until somebody changes
    /// something; [`Kind::Config`], where a file cannot be used.
    pub failure: Failure,
    /// How long the endpoint asked to be left alone (`Retry-After`).
    pub retry_after: Option<Duration>,
}

impl From<Failure> for NoToken {
    fn from(failure: Failure) -> Self {
        Self {
            failure,
            retry_after: None,
        }
    }
}

/// No answer that could be a token: `unreachable`, `timeout` or `not-a-token`.
pub fn unavailable(problem: &str) -> Failure {
    Failure::of(Kind::TokenUnavailable).with("identity.problem", problem)
}

/// An answer that will stay a no: `not-a-jwt`, `no-object-id` or `expired`.
fn rejected(problem: &str) -> Failure {
    Failure::of(Kind::TokenRejected).with("identity.problem", problem)
}

/// Percent-encodes everything but RFC 3986's unreserved characters.
pub fn escape(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes()
        .fold(String::with_capacity(text.len()), |mut out, byte| {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    out.push(char::from(byte));
                }
                // Writing to a string cannot fail.
                _ => drop(write!(out, "%{byte:02X}")),
            }
            out
        })
}

/// Judges an answer. `now` is in seconds since 1970-01-01T00:00:00Z.
pub fn judge(status: u16, body: &[u8], now: i64) -> Result<Token, Failure> {
    let kind = match status {
        200 => return token(body, now),
        400 | 401 | 403 | 404 => Kind::TokenRejected,
        _ => Kind::TokenUnavailable,
    };
    let failure = Failure::of(kind).with("identity.status", status.to_string());
    Err(crate::identity_error::with_reason(failure, body))
}

#[derive(Deserialize)]
struct Answer {
    // Goes straight into the secret type, so that no copy of it stays in plain memory.
    access_token: SecretString,
    // Written as a string of epoch seconds; seen as a number and, from the 2017 version of the
    // protocol, as a date. The last two are tolerated since the token itself says when it ends.
    #[serde(default)]
    expires_on: serde_json::Value,
    // Entra's own token endpoint says how long instead of until when, in seconds.
    #[serde(default)]
    expires_in: serde_json::Value,
}

fn token(body: &[u8], now: i64) -> Result<Token, Failure> {
    use secrecy::ExposeSecret as _;
    let not_a_token = || unavailable("not-a-token");
    let answer: Answer = serde_json::from_slice(body).map_err(|_| not_a_token())?;
    let text = answer.access_token.expose_secret();
    if text.is_empty() {
        return Err(not_a_token());
    }
    let claims = Claims::of(text).map_err(|error| {
        rejected(match error {
            JwtError::NotAJwt => "not-a-jwt",
            JwtError::NoObjectId => "no-object-id",
        })
    })?;
    // The earliest there is: the token's own word, and the answer's where it can be read.
    let until = seconds(&answer.expires_on);
    let for_ = seconds(&answer.expires_in).map(|life| now.saturating_add(life));
    let ends = [until, for_, claims.expires_at];
    let expires_at = ends.into_iter().flatten().min().ok_or_else(not_a_token)?;
    if expires_at <= now {
        let ago = now.saturating_sub(expires_at).to_string();
        return Err(rejected("expired").with("identity.expiredSeconds", ago));
    }
    Ok(Token {
        object_id: claims.object_id,
        expires_at,
        secret: answer.access_token,
    })
}

fn seconds(value: &serde_json::Value) -> Option<i64> {
    match value {
        serde_json::Value::String(text) => text.trim().parse().ok(),
        serde_json::Value::Number(number) => number.as_i64(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    const NOW: i64 = 1_795_597_200;

    fn jwt(payload: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(payload))
    }

    fn answer(token: &str, expires_on: &str) -> Result<Token, Failure> {
        let body = format!(
            r#"{{"access_token":"{token}","expires_on":{expires_on},"resource":"r","token_type":"Bearer"}}"#
        );
        judge(200, body.as_bytes(), NOW)
    }

    fn expiry(result: Result<Token, Failure>) -> Result<i64, Failure> {
        result.map(|token| token.expires_at)
    }

    #[test]
    fn expiry_is_read_as_string_number_or_from_the_token() {
        let token = jwt(r#"{"oid":"a"}"#);
        let dated = jwt(&format!(r#"{{"oid":"a","exp":{}}}"#, NOW + 60));
        assert_eq!(
            expiry(answer(&token, &format!("\"{}\"", NOW + 9))),
            Ok(NOW + 9)
        );
        assert_eq!(expiry(answer(&token, &format!("{}", NOW + 9))), Ok(NOW + 9));
        assert_eq!(
            expiry(answer(&dated, "\"01/21/2026 15:35:47 +00:00\"")),
            Ok(NOW + 60)
        );
        assert_eq!(
            expiry(answer(&dated, &format!("\"{}\"", NOW + 90))),
            Ok(NOW + 60)
        );
    }

    #[test]
    fn a_token_that_ended_is_rejected() {
        let token = jwt(r#"{"oid":"a"}"#);
        assert_eq!(
            expiry(answer(&token, &format!("\"{NOW}\""))),
            Err(rejected("expired").with("identity.expiredSeconds", "0"))
        );
    }

    #[test]
    fn what_is_not_a_token_response_is_unavailable() {
        let token = jwt(r#"{"oid":"a"}"#);
        let no_expiry = answer(&token, "null");
        let empty = answer("", &format!("\"{}\"", NOW + 9));
        for result in [
            no_expiry,
            empty,
            judge(200, b"<html>", NOW),
            judge(200, b"", NOW),
            judge(200, br#"{"access_token":7}"#, NOW),
        ] {
            assert_eq!(expiry(result), Err(unavailable("not-a-token")));
        }
    }

    fn status_of(kind: Kind, status: u16) -> Failure {
        Failure::of(kind).with("identity.status", status.to_string())
    }

    #[test]
    fn statuses_are_told_apart() {
        for status in [400, 401, 403, 404] {
            assert_eq!(
                expiry(judge(status, b"", NOW)),
                Err(status_of(Kind::TokenRejected, status))
            );
        }
        for status in [204, 302, 408, 418, 429, 500, 503] {
            assert_eq!(
                expiry(judge(status, b"", NOW)),
                Err(status_of(Kind::TokenUnavailable, status))
            );
        }
    }

    #[test]
    fn a_token_does_not_show_in_its_debug_form() {
        let token = answer(&jwt(r#"{"oid":"a"}"#), &format!("{}", NOW + 9)).expect("a token");
        assert!(!format!("{token:?}").contains("e30."), "{token:?}");
    }
}
