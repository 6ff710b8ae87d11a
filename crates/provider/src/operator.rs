//! Who is the operator: the one who has the operator's token.
//!
//! Whoever reaches the port may send any header, as often as they like: what is compared is compared in constant time.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};
use subtle::{Choice, ConstantTimeEq as _};

/// The longest `Authorization` header that is looked at, in bytes.
pub const MAX_HEADER: usize = 8 * 1024;

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

/// Whether an `Authorization` header has this token in it, as it is or in base64, whatever the scheme and whatever is
/// around it. What [`is_operator`] does not take, with a mistake in it, is no less the token to whoever it is handed on to.
pub fn carries(authorization: &[u8], token: &SecretString) -> bool {
    let expected = token.expose_secret().as_bytes();
    if has(authorization, expected) {
        return true;
    }
    let mut words = authorization.split(u8::is_ascii_whitespace);
    words.any(|word| {
        let decoded = BASE64_STANDARD.decode(word).map(Zeroizing::new);
        decoded.is_ok_and(|decoded| has(&decoded, expected))
    })
}

/// Whether `expected` stands anywhere in `given`. Every place is compared.
fn has(given: &[u8], expected: &[u8]) -> bool {
    let places = given.windows(expected.len().max(1));
    let same = places.map(|place| place.ct_eq(expected));
    bool::from(same.fold(Choice::from(0), |any, same| any | same))
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
    fn a_header_with_the_token_in_it_carries_it_in_whatever_form() {
        let carries = |header: &[u8]| carries(header, &SecretString::from(TOKEN));
        for header in [
            format!("Bearer {TOKEN}"),
            format!("Bearer\t{TOKEN}"),
            format!("Token {TOKEN}"),
            TOKEN.to_owned(),
            basic(&format!("operator:{TOKEN}")),
            basic(&format!("{TOKEN}:operator")),
            basic(&format!("operator:{TOKEN}")).replace("Basic", "whatever"),
        ] {
            assert!(carries(header.as_bytes()), "{header}");
        }
        let pasted = [b"Bearer ", TOKEN.as_bytes(), b"\xa0"].concat();
        assert!(carries(&pasted));
        for header in [
            "",
            "Bearer s3cret",
            "Bearer the app's own",
            "Basic Og==",
            "Basic !",
        ] {
            assert!(!carries(header.as_bytes()), "{header}");
        }
        assert!(!carries(basic("user:the app's own").as_bytes()));
    }

    #[test]
    fn an_empty_token_is_nobodys() {
        for header in ["", "Bearer ", "Basic Og=="] {
            assert!(!carries(header.as_bytes(), &SecretString::from("")));
        }
        for header in ["Bearer ", "Bearer", "Basic Og=="] {
            assert!(!is_operator(Some(header), &SecretString::from("")));
        }
    }
}
