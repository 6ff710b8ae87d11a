//! What a value looks like, without the value: people paste many things where a key, a host or a port is meant, from the
//! portal, templates, vaults, shells and files. Decided by form alone; a value is never printed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The characters of an Azure access key: 44, base64 of 32 bytes. Enterprise and Managed Redis use the same form.
const KEY_LENGTH: usize = 44;
/// The fewest characters that are taken for an encoded key.
const LEAST_ENCODED: usize = 16;

/// What a key looks like, if it does not look like one. The names are documented in `docs/reference/report.md`.
pub fn of_key(text: &str) -> Option<&'static str> {
    let lower = text.to_ascii_lowercase();
    if lower.starts_with("@microsoft.keyvault(") || lower.contains(".vault.azure.net/") {
        return Some("key-vault-reference");
    }
    if is_template(text) {
        return Some("template");
    }
    if lower.contains("password=") || lower.contains("accesskey=") || lower.contains(",ssl=") {
        return Some("connection-string");
    }
    if lower.contains("://") || is_host(&lower) {
        return Some("host");
    }
    if text.starts_with("eyJ") && text.matches('.').count() == 2 {
        return Some("token");
    }
    if quoted(text).is_some() || text.starts_with(['"', '\'']) || text.ends_with(['"', '\'']) {
        return Some("quoted");
    }
    if text
        .chars()
        .all(|c| matches!(c, '*' | '•' | '●' | '.' | 'x' | 'X'))
    {
        return Some("masked");
    }
    if text.contains(char::is_whitespace) {
        return Some("white-space");
    }
    if ["%3d", "%2b", "%2f"]
        .iter()
        .any(|escape| lower.contains(escape))
    {
        return Some("percent-encoded");
    }
    if is_guid(text) {
        return Some("guid");
    }
    if is_key_in_base64(text) {
        return Some("base64");
    }
    // One of Azure's that lost its end: base64 of 32 bytes ends with one `=`.
    let shorter = text.len() < KEY_LENGTH && text.len() > KEY_LENGTH / 2;
    (shorter && is_base64(text) && !text.ends_with('=')).then_some("truncated")
}

/// What a setting looks like that cannot be used, if that says something. The names are documented in
/// `docs/reference/report.md`.
pub fn of_setting(text: &str) -> Option<&'static str> {
    let lower = text.to_ascii_lowercase();
    match of_key(text) {
        Some(shape @ ("key-vault-reference" | "template" | "connection-string")) => Some(shape),
        _ if lower.contains("://") => Some("url"),
        _ => None,
    }
}

/// What stood around a value and was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removed {
    /// U+FEFF, which some editors put at the start of a file.
    ByteOrderMark,
    /// Quotation marks, which a shell would have taken away.
    Quotes,
}

impl Removed {
    /// Its name in evidence.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ByteOrderMark => "byte-order-mark",
            Self::Quotes => "quotation-marks",
        }
    }

    /// As the problem of a variable.
    pub fn problem(self) -> &'static str {
        cache_health_diagnosis::left_out(self.as_str())
    }
}

/// A value without what stands around it. `plausible`: whether what is between quotation marks is a value.
pub fn bare(text: &str, plausible: impl Fn(&str) -> bool) -> (&str, Option<Removed>) {
    let unmarked = text.strip_prefix('\u{feff}').map(str::trim);
    let marked = unmarked.map(|_| Removed::ByteOrderMark);
    let text = unmarked.unwrap_or(text);
    match quoted(text).map(str::trim) {
        Some(inner) if plausible(inner) => (inner, Some(Removed::Quotes)),
        _ => (text, marked),
    }
}

/// What stands between quotation marks around the whole.
pub fn quoted(text: &str) -> Option<&str> {
    let inner = |quote| text.strip_prefix(quote)?.strip_suffix(quote);
    let inner = inner('"').or_else(|| inner('\''))?;
    (!inner.is_empty() && !inner.contains(['"', '\''])).then_some(inner)
}

/// Whether it is made of the characters of base64, in either alphabet.
pub fn is_base64(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '-' | '_');
    text.len() >= LEAST_ENCODED && text.chars().all(plain)
}

/// Whether a template was not filled in: `${KEY}`, `{{ key }}`, `<key>`, `$(KEY)`, `#{key}#`, `%KEY%`.
pub fn is_template(text: &str) -> bool {
    let pairs = [
        ("${", "}"),
        ("{{", "}}"),
        ("<", ">"),
        ("$(", ")"),
        ("#{", "}#"),
        ("%", "%"),
        ("[[", "]]"),
    ];
    let between = |(open, close): (&str, &str)| {
        let inner = text.strip_prefix(open)?.strip_suffix(close)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || " _.-:/'\"()[]".contains(c);
        (!inner.is_empty() && inner.chars().all(plain)).then_some(())
    };
    pairs.into_iter().any(|pair| between(pair).is_some())
}

fn is_host(lower: &str) -> bool {
    let azure = [
        ".windows.net",
        ".azure.net",
        ".azure.com",
        ".azure.us",
        ".chinacloudapi.cn",
    ];
    azure.iter().any(|suffix| lower.contains(suffix))
}

fn is_guid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}

/// Base64 of something that is base64 itself and ends like a key.
fn is_key_in_base64(text: &str) -> bool {
    let decoded = STANDARD.decode(text).ok();
    let decoded = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
    decoded.is_some_and(|inner| is_base64(inner.trim()) && inner.trim().ends_with('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Azure makes them.
    const KEY: &str = "p9Yt0AbCdEfGhIjKlMnOpQrStUvWxYzAzCaB12345w0=";

    #[test]
    fn a_key_looks_like_one() {
        for key in [
            KEY,
            "aB3/xYz+Qw9=PlMn0/kk+Zz1Vv==",
            "a-password-of-ones-own",
            "hunter2",
            "pa.ss",
        ] {
            assert_eq!(of_key(key), None, "{key}");
        }
    }

    #[test]
    fn what_people_paste_is_told_by_its_form() {
        let encoded = STANDARD.encode(KEY);
        for (text, shape) in [
            (
                "@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/k/)",
                "key-vault-reference",
            ),
            ("https://v.vault.azure.net/secrets/k", "key-vault-reference"),
            (
                "c.redis.cache.windows.net:6380,password=abc=,ssl=True",
                "connection-string",
            ),
            ("rediss://:abc@c:6380", "host"),
            ("c.redis.cache.windows.net", "host"),
            ("\"abc=\"", "quoted"),
            ("'abc=", "quoted"),
            ("********", "masked"),
            ("abc def", "white-space"),
            ("aB3%2FxYz%3D", "percent-encoded"),
            ("8a1f0000-0000-0000-0000-000000000001", "guid"),
            ("${REDIS_KEY}", "template"),
            ("{{ redis_key }}", "template"),
            ("<your-access-key>", "template"),
            ("eyJhbGciOi.eyJvaWQi.c2ln", "token"),
            (&encoded, "base64"),
            (&KEY[..30], "truncated"),
        ] {
            assert_eq!(of_key(text), Some(shape), "{text}");
        }
    }

    #[test]
    fn quotes_are_taken_off_only_where_they_stand_around_the_whole() {
        assert_eq!(quoted("\"a\""), Some("a"));
        assert_eq!(quoted("'a'"), Some("a"));
        for text in ["\"a", "a\"", "\"\"", "\"a\"b\"", "a"] {
            assert_eq!(quoted(text), None, "{text}");
        }
    }
}
