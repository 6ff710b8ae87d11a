//! Spin's error texts: `spin:redis` answers errors as redis-rs prints them, and this is the one
//! table that reads them. The text itself goes no further: it can repeat what was sent.

use cache_health_provider::reply::ErrorReply;

/// What a text says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Redis answered with an error.
    ErrorReply(ErrorReply),
    /// The host name does not resolve.
    Dns,
    /// Refused or unreachable.
    Connect,
    /// The certificate is not from a trusted issuer.
    TlsUntrusted,
    /// The certificate is for another name.
    TlsHostname,
    /// The certificate is outside its dates.
    TlsExpired,
    /// The handshake failed in another way.
    TlsProtocol,
    /// The connection ended.
    Closed,
    /// A reply that is not of the Redis protocol.
    Protocol,
    /// A dependency that does not inherit the capability.
    NotInherited,
    /// None of the above.
    Unknown,
}

/// Redis' own codes, wherever they stand in the text.
const CODES: [&str; 10] = [
    "WRONGPASS",
    "NOAUTH",
    "NOPERM",
    "LOADING",
    "READONLY",
    "OOM",
    "MOVED",
    "MISCONF",
    "CLUSTERDOWN",
    "MASTERDOWN",
];

/// redis-rs' words for codes that it knows, in place of the code.
const WORDS: [(&str, &str); 8] = [
    ("Password authentication failed", "WRONGPASS"),
    ("BusyLoading", "LOADING"),
    ("ReadOnly", "READONLY"),
    ("MasterDown", "MASTERDOWN"),
    ("ClusterDown", "CLUSTERDOWN"),
    ("NoPermError", "NOPERM"),
    ("NoPerm", "NOPERM"),
    ("Moved", "MOVED"),
];

/// Words of the resolver, of OpenSSL (Spin's TLS) and rustls (the test host's), and of the operating
/// system. The first row that fits counts, so the more telling ones stand first.
const TRANSPORT: [(Said, &[&str]); 8] = [
    (
        Said::Dns,
        &[
            "failed to lookup address",
            "Name or service not known",
            "No address found",
        ],
    ),
    (
        Said::TlsExpired,
        &[
            "certificate has expired",
            "certificate is not yet valid",
            "certificate expired",
            "certificate not valid yet",
        ],
    ),
    (
        Said::TlsHostname,
        &[
            "Hostname mismatch",
            "hostname mismatch",
            "IP address mismatch",
            "certificate not valid for name",
        ],
    ),
    (
        Said::TlsUntrusted,
        &[
            "certificate verify failed",
            "self-signed",
            "unable to get local issuer",
            "invalid peer certificate",
        ],
    ),
    (
        Said::Connect,
        &[
            "Connection refused",
            "Network is unreachable",
            "No route to host",
            "Host is unreachable",
        ],
    ),
    (
        Said::Closed,
        &[
            "Connection reset",
            "roken pipe",
            "unexpected end of file",
            "connection closed",
            "terminated",
            // A TLS session that ended without a word: OpenSSL's and rustls' ways to say so.
            "unexpected eof",
            "close_notify",
            "handshake eof",
        ],
    ),
    (
        Said::TlsProtocol,
        &[
            "ssl",
            "SSL",
            "tls",
            "TLS",
            "handshake",
            "fatal alert",
            "corrupt message",
        ],
    ),
    (Said::Protocol, &["Parse", "parse", "ncompatible type"]),
];

fn transport(text: &str) -> Option<Said> {
    let fits = |words: &&[&str]| words.iter().any(|word| text.contains(word));
    TRANSPORT
        .iter()
        .find(|(_, words)| fits(words))
        .map(|(failure, _)| failure.clone())
}

/// How Spin's deny adapter ends what it says: `"spin:redis/redis" is not permitted`.
const DENIED: &str = "\" is not permitted";

/// Reads a text.
pub fn read(text: &str) -> Said {
    if text.starts_with('"') && text.ends_with(DENIED) {
        return Said::NotInherited;
    }
    if let Some((_, rest)) = text
        .split_once("Moved: ")
        .or_else(|| text.split_once("MOVED "))
    {
        return Said::ErrorReply(ErrorReply::of(&format!("MOVED {rest}")));
    }
    if let Some((_, rest)) = text.split_once("ASK ") {
        return Said::ErrorReply(ErrorReply::of(&format!("ASK {rest}")));
    }
    let by_code = CODES.iter().find(|code| text.contains(**code)).copied();
    let by_word = WORDS.iter().find(|(word, _)| text.contains(word));
    if let Some(code) = by_code.or(by_word.map(|(_, code)| *code)) {
        return Said::ErrorReply(ErrorReply::of(code));
    }
    if let Some(failure) = transport(text) {
        return failure;
    }
    if text.contains("ResponseError") || text.contains("signalled by the server") {
        return Said::ErrorReply(ErrorReply::of(reply_text(text)));
    }
    Said::Unknown
}

/// What the server said, as far as it stands in redis-rs' own words.
fn reply_text(text: &str) -> &str {
    text.split_once("ResponseError")
        .map_or("ERR", |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redis_codes_are_found_wherever_they_stand() {
        let cases = [
            (
                "Password authentication failed- AuthenticationFailed",
                ErrorReply::AuthRejected,
            ),
            (
                "\"NOAUTH\": Authentication required.",
                ErrorReply::AuthRequired,
            ),
            (
                "NOPERM: this user has no permissions",
                ErrorReply::PermissionDenied,
            ),
            (
                "An error was signalled by the server - NoPermError: x",
                ErrorReply::PermissionDenied,
            ),
            ("\"OOM\": command not allowed", ErrorReply::OutOfMemory),
            (
                "\"MISCONF\": Redis is configured",
                ErrorReply::Other {
                    code: "MISCONF".into(),
                    meaning: None,
                },
            ),
            (
                "An error was signalled by the server - ResponseError: x",
                ErrorReply::Other {
                    code: "ERR".into(),
                    meaning: None,
                },
            ),
        ];
        for (text, reply) in cases {
            let text = text.replace('"', "");
            assert_eq!(read(&text), Said::ErrorReply(reply), "{text}");
        }
    }

    #[test]
    fn the_transport_is_told_apart() {
        let cases = [
            (
                "failed to lookup address information: Name or service not known",
                Said::Dns,
            ),
            ("Connection refused (os error 111)", Said::Connect),
            (
                "error:0A000086:SSL routines:tls_post_process_server_certificate:certificate verify failed:ssl/statem/statem_clnt.c:1889: (self-signed certificate in certificate chain)",
                Said::TlsUntrusted,
            ),
            (
                "certificate verify failed: (certificate has expired)",
                Said::TlsExpired,
            ),
            (
                "invalid peer certificate: UnknownIssuer",
                Said::TlsUntrusted,
            ),
            (
                "certificate verify failed: (Hostname mismatch)",
                Said::TlsHostname,
            ),
            (
                "error:0A00010B:SSL routines:ssl3_get_record:wrong version number",
                Said::TlsProtocol,
            ),
            ("Connection reset by peer (os error 104)", Said::Closed),
            ("\"spin:redis/redis\" is not permitted", Said::NotInherited),
            ("something else", Said::Unknown),
        ];
        for (text, failure) in cases {
            assert_eq!(read(text), failure, "{text}");
        }
    }

    #[test]
    fn what_repeats_a_secret_is_reduced_to_its_code() {
        let text =
            "An error was signalled by the server - ResponseError: unknown command 'AUTH' s3cret";
        let failure = read(text);
        assert!(!format!("{failure:?}").contains("s3cret"), "{failure:?}");
    }
}
