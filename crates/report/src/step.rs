//! The steps of a check.

/// A step of a check. The names are contract: they are the members of `checks` in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "json", derive(serde::Serialize, serde::Deserialize))]
pub enum Step {
    /// Resolving the host name.
    #[cfg_attr(feature = "json", serde(rename = "redis:dns"))]
    Dns,
    /// Connecting.
    #[cfg_attr(feature = "json", serde(rename = "redis:tcp"))]
    Tcp,
    /// The TLS handshake, with verification of the certificate.
    #[cfg_attr(feature = "json", serde(rename = "redis:tls"))]
    Tls,
    /// Obtaining a Microsoft Entra token.
    #[cfg_attr(feature = "json", serde(rename = "identity:token"))]
    Token,
    /// `AUTH`.
    #[cfg_attr(feature = "json", serde(rename = "redis:auth"))]
    Auth,
    /// [`Step::Dns`] to [`Step::Auth`] at once, where the host cannot tell them apart.
    #[cfg_attr(feature = "json", serde(rename = "redis:connect"))]
    Connect,
    /// `SET`.
    #[cfg_attr(feature = "json", serde(rename = "redis:set"))]
    Set,
    /// `GET`.
    #[cfg_attr(feature = "json", serde(rename = "redis:get"))]
    Get,
}

impl Step {
    /// Every step, in the order of a check.
    pub const ALL: [Step; 8] = [
        Self::Dns,
        Self::Tcp,
        Self::Tls,
        Self::Token,
        Self::Auth,
        Self::Connect,
        Self::Set,
        Self::Get,
    ];

    /// The step of this name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.as_str() == name)
    }

    /// Whether it is a command on a connection; the others make one.
    pub fn is_a_command(self) -> bool {
        matches!(self, Self::Set | Self::Get)
    }

    /// Its name in JSON and in text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "redis:dns",
            Self::Tcp => "redis:tcp",
            Self::Tls => "redis:tls",
            Self::Token => "identity:token",
            Self::Auth => "redis:auth",
            Self::Connect => "redis:connect",
            Self::Set => "redis:set",
            Self::Get => "redis:get",
        }
    }
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
