//! An access key as it is meant: the same for a variable and a file.

use crate::shape;
use cache_health_report::Evidence;
use secrecy::{ExposeSecret as _, SecretString};
use thiserror::Error;

/// The longest key that is taken for one.
const MAX_KEY: usize = 4096;

/// Why a text is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyProblem {
    /// There is nothing.
    #[error("holds no key")]
    Empty,
    /// It is too long.
    #[error("is too long to be an access key")]
    TooLong,
    /// Whoever should have put the key there has not.
    #[error("is a Key Vault reference that was not resolved")]
    KeyVaultReference,
}

impl KeyProblem {
    /// What the text looks like: a name of [`crate::shape`].
    pub fn shape(self) -> Option<&'static str> {
        (self == Self::KeyVaultReference).then_some("key-vault-reference")
    }
}

/// An access key.
#[derive(Clone, Debug)]
pub struct AccessKey {
    /// The key.
    pub secret: SecretString,
    /// What it looks like, where it does not look like a key: a name of [`crate::shape`].
    pub shape: Option<&'static str>,
    /// What stood around it and was left out.
    pub removed: Option<shape::Removed>,
}

impl AccessKey {
    /// Takes what can safely be understood: a byte order mark is left out, and so are quotation marks around what looks
    /// like a key. A password of one's own may have some.
    pub fn of(text: &SecretString) -> Result<Self, KeyProblem> {
        let (key, removed) = shape::bare(text.expose_secret().trim(), shape::is_base64);
        let shape = shape::of_key(key);
        if key.is_empty() {
            return Err(KeyProblem::Empty);
        }
        if key.len() > MAX_KEY {
            return Err(KeyProblem::TooLong);
        }
        if shape == KeyProblem::KeyVaultReference.shape() {
            return Err(KeyProblem::KeyVaultReference);
        }
        Ok(Self {
            secret: SecretString::from(key),
            shape,
            removed,
        })
    }

    /// What may be known of it. `variable`: where it is from, as its user calls it.
    pub fn evidence(&self, variable: &str) -> Evidence {
        let mut evidence = Evidence::new();
        if let Some(shape) = self.shape {
            evidence.set("key.shape", shape);
        }
        if let Some(removed) = self.removed {
            evidence.set("key.removed", removed.as_str());
        }
        if !evidence.is_empty() {
            evidence.set("key.variable", variable);
        }
        evidence
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "p9Yt0AbCdEfGhIjKlMnOpQrStUvWxYzAzCaB12345w0=";

    fn key(text: &str) -> Result<AccessKey, KeyProblem> {
        AccessKey::of(&SecretString::from(text))
    }

    #[test]
    fn what_stands_around_a_key_is_left_out_and_said() {
        for (text, removed) in [
            (KEY.to_owned(), None),
            (format!("{KEY}\n"), None),
            (
                format!("\u{feff}{KEY}"),
                Some(shape::Removed::ByteOrderMark),
            ),
            (format!("\"{KEY}\""), Some(shape::Removed::Quotes)),
            (format!("'{KEY}'"), Some(shape::Removed::Quotes)),
        ] {
            let key = key(&text).expect("a key");
            assert_eq!(key.secret.expose_secret(), KEY, "{text}");
            assert_eq!((key.removed, key.shape), (removed, None), "{text}");
        }
    }

    #[test]
    fn a_password_of_ones_own_may_have_quotation_marks() {
        let own = key("\"a b!\"").expect("a key");
        assert_eq!(own.secret.expose_secret(), "\"a b!\"");
        assert_eq!((own.removed, own.shape), (None, Some("quoted")));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        assert_eq!(key(" \n").expect_err("empty"), KeyProblem::Empty);
        let long = "x".repeat(MAX_KEY + 1);
        assert_eq!(key(&long).expect_err("long"), KeyProblem::TooLong);
        let reference = "@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/k)";
        let problem = key(reference).expect_err("a reference");
        assert_eq!(problem, KeyProblem::KeyVaultReference);
    }
}
