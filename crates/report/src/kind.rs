//! What went wrong: the vocabulary that callers decide by. It may gain names.

/// What went wrong, or needs attention. The names are contract: they are what
/// `failure.kind` and `warnings[].kind` say in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "json", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "json", serde(rename_all = "kebab-case"))]
pub enum Kind {
    /// The configuration cannot be used; nothing was tried.
    Config,
    /// The host's own policy forbids the connection.
    NotAllowed,
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
    /// An alert, no common version or cipher suite, or bytes that are not TLS.
    TlsProtocol,
    /// No answer that could be a token.
    TokenUnavailable,
    /// The identity endpoint said no, or the token cannot be used.
    TokenRejected,
    /// Redis refused the credential (`WRONGPASS`).
    AuthRejected,
    /// Redis wants authentication (`NOAUTH`).
    AuthRequired,
    /// Authenticated, but not allowed to do this (`NOPERM`).
    PermissionDenied,
    /// Redis is loading its data set (`LOADING`).
    Loading,
    /// A replica that takes no writes (`READONLY`).
    ReadOnly,
    /// Memory is full (`OOM`).
    OutOfMemory,
    /// The key lives on another node of a cluster (`MOVED`).
    Moved,
    /// Any other error reply; the finding's code says which.
    ServerError,
    /// `GET` did not return what was `SET`.
    Mismatch,
    /// The connection ended during a step after it was made.
    Closed,
    /// The deadline or a step's own limit passed.
    Timeout,
    /// `serve` only: the newest sample is too old.
    Stale,
    /// A reply that is not of the Redis protocol.
    Protocol,
    /// A fault of our own.
    Internal,
    /// Warning only: a less preferred credential was used.
    Fallback,
    /// Warning only: the secondary access key was used.
    SecondaryKey,
    /// Warning only: the token ends soon and could not be renewed.
    TokenExpiring,
    /// Warning only: the server's certificate ends soon.
    CertificateExpiring,
}

impl Kind {
    /// Every kind, for tables and the tests that check them for completeness.
    pub const ALL: [Kind; 28] = [
        Self::Config,
        Self::NotAllowed,
        Self::Dns,
        Self::Connect,
        Self::TlsUntrusted,
        Self::TlsHostname,
        Self::TlsExpired,
        Self::TlsProtocol,
        Self::TokenUnavailable,
        Self::TokenRejected,
        Self::AuthRejected,
        Self::AuthRequired,
        Self::PermissionDenied,
        Self::Loading,
        Self::ReadOnly,
        Self::OutOfMemory,
        Self::Moved,
        Self::ServerError,
        Self::Mismatch,
        Self::Closed,
        Self::Timeout,
        Self::Stale,
        Self::Protocol,
        Self::Internal,
        Self::Fallback,
        Self::SecondaryKey,
        Self::TokenExpiring,
        Self::CertificateExpiring,
    ];

    /// Whether it only ever warns. The others fail, but for a new connection that cannot be made
    /// beside a kept one that works: that warns with what failed.
    pub fn only_warns(self) -> bool {
        matches!(
            self,
            Self::Fallback | Self::SecondaryKey | Self::TokenExpiring | Self::CertificateExpiring
        )
    }

    /// The kind of this name. One that is not known is [`Kind::Internal`], as the vocabulary says.
    pub fn of(name: &str) -> Self {
        let known = Self::ALL.into_iter().find(|kind| kind.as_str() == name);
        known.unwrap_or(Self::Internal)
    }

    /// Its name everywhere: in JSON, in WIT, in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::NotAllowed => "not-allowed",
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::TlsUntrusted => "tls-untrusted",
            Self::TlsHostname => "tls-hostname",
            Self::TlsExpired => "tls-expired",
            Self::TlsProtocol => "tls-protocol",
            Self::TokenUnavailable => "token-unavailable",
            Self::TokenRejected => "token-rejected",
            Self::AuthRejected => "auth-rejected",
            Self::AuthRequired => "auth-required",
            Self::PermissionDenied => "permission-denied",
            Self::Loading => "loading",
            Self::ReadOnly => "read-only",
            Self::OutOfMemory => "out-of-memory",
            Self::Moved => "moved",
            Self::ServerError => "server-error",
            Self::Mismatch => "mismatch",
            Self::Closed => "closed",
            Self::Timeout => "timeout",
            Self::Stale => "stale",
            Self::Protocol => "protocol",
            Self::Internal => "internal",
            Self::Fallback => "fallback",
            Self::SecondaryKey => "secondary-key",
            Self::TokenExpiring => "token-expiring",
            Self::CertificateExpiring => "certificate-expiring",
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(all(test, feature = "json"))]
mod tests {
    use super::*;

    #[test]
    fn a_kind_has_one_name_in_json_and_in_text() {
        for kind in Kind::ALL {
            let json = serde_json::to_string(&kind).expect("a kind is JSON");
            assert_eq!(json, format!("\"{kind}\""));
            assert_eq!(Kind::of(kind.as_str()), kind);
        }
        assert_eq!(Kind::of("from-the-future"), Kind::Internal);
    }
}
