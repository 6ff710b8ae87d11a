//! Who is the operator: the one who has the operator's token.
//!
//! Whoever reaches the port may send any header, as often as they like: what is compared is compared in constant time.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;

/// The longest `Authorization` header that is looked at, in bytes.
const MAX_HEADER: usize = 8 * 1024;

/// Whether an `Authorization` header carries this token: as a bearer token (RFC 6750), or as the password of Basic
/// authentication with whatever user (RFC 7617), which browsers can ask for. Constant in time but for the length.
pub fn is_operator(authorization: Option<&str>, token: &SecretString) -> bool {
    let given = authorization.filter(|header| header.len() <= MAX_HEADER);
    let Some((scheme, credentials)) = given.and_then(|header| header.trim().split_once(' ')) else {
        return false;
    };
    let credentials = credentials.trim_start();
    let expected = token.expose_secret().as_bytes();
    if scheme.eq_ignore_ascii_case("bearer") {
        return is_same(credentials.as_bytes(), expected);
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return false;
    }
    let Ok(pair) = BASE64_STANDARD.decode(credentials).map(Zeroizing::new) else {
        return false;
    };
    // The user ends at the first colon; the password may have some.
    match pair.iter().position(|byte| *byte == b':') {
        Some(colon) => is_same(&pair[colon + 1..], expected),
        None => false,
    }
}

/// An empty token would be anybody's.
fn is_same(given: &[u8], expected: &[u8]) -> bool {
    !expected.is_empty() && bool::from(given.ct_eq(expected))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "s3cret: token";

    fn asks(header: &str) -> bool {
        is_operator(Some(header), &SecretString::from(TOKEN))
    }

    fn basic(pair: &str) -> String {
        format!("Basic {}", BASE64_STANDARD.encode(pair))
    }

    #[test]
    fn the_token_is_taken_as_a_bearer_token_and_as_the_password_of_basic_authentication() {
        for header in [
            &format!("Bearer {TOKEN}"),
            &format!("bearer  {TOKEN}"),
            &basic(&format!("operator:{TOKEN}")),
            &basic(&format!(":{TOKEN}")),
            &basic(&format!("operator:{TOKEN}")).replace("Basic", "BASIC"),
        ] {
            assert!(asks(header), "{header}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        assert!(!is_operator(None, &SecretString::from(TOKEN)));
        for header in [
            "",
            "Bearer",
            "Bearer ",
            "Bearer s3cret",
            "Bearer s3cret: token2",
            TOKEN,
            &format!("Digest {TOKEN}"),
            &basic(TOKEN).replace(":", ""),
            &basic(&format!("{TOKEN}:operator")),
            &basic("operator:"),
            "Basic not-base64!",
            &format!("Basic {}", "A".repeat(MAX_HEADER)),
        ] {
            assert!(!asks(header), "{header}");
        }
    }

    #[test]
    fn an_empty_token_is_nobodys() {
        for header in ["Bearer ", "Bearer", "Basic Og=="] {
            assert!(!is_operator(Some(header), &SecretString::from("")));
        }
    }
}
