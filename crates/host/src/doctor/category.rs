//! What an app needs to use its cache, in the order in which it needs it.

use cache_health_report::{FindingDocument, Kind, Step};
use clap::ValueEnum;

/// A part of the walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Category {
    /// The variables say where the cache is and how to log in.
    Configuration,
    /// The name of the cache leads to addresses.
    Name,
    /// Something at one of the addresses answers, and the host may call it.
    Network,
    /// It is the cache that was meant, and the connection is private.
    Tls,
    /// Microsoft Entra issues a token.
    Identity,
    /// Redis takes the token or the key.
    Authentication,
    /// SET and GET are allowed on the health key.
    Permission,
    /// What was written is read back.
    Data,
    /// A collector takes what is to be exported, where one is configured.
    Telemetry,
}

impl Category {
    /// Its name on the command line and in outputs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Name => "name",
            Self::Network => "network",
            Self::Tls => "tls",
            Self::Identity => "identity",
            Self::Authentication => "authentication",
            Self::Permission => "permission",
            Self::Data => "data",
            Self::Telemetry => "telemetry",
        }
    }

    /// What is looked at.
    pub fn about(self) -> &'static str {
        match self {
            Self::Configuration => "the variables say where the cache is and how to log in",
            Self::Name => "the name of the cache leads to addresses",
            Self::Network => "something at one of the addresses answers",
            Self::Tls => "it is the cache that was meant, and the connection is private",
            Self::Identity => "Microsoft Entra issues a token",
            Self::Authentication => "Redis takes the token or the key",
            Self::Permission => "SET and GET are allowed on the health key",
            Self::Data => "what was written is read back",
            Self::Telemetry => "a collector takes what is to be exported, where one is configured",
        }
    }

    /// Where a step belongs.
    pub fn of_step(step: Step) -> Self {
        match step {
            Step::Dns => Self::Name,
            Step::Tcp | Step::Connect => Self::Network,
            Step::Tls => Self::Tls,
            Step::Token => Self::Identity,
            Step::Auth => Self::Authentication,
            Step::Set | Step::Get => Self::Data,
        }
    }

    /// Where a finding belongs: by what it is, and where that says nothing by where it was found.
    pub fn of(finding: &FindingDocument) -> Self {
        match finding.kind {
            Kind::Config => Self::Configuration,
            Kind::Dns => Self::Name,
            Kind::NotAllowed | Kind::Connect => Self::Network,
            Kind::TlsUntrusted
            | Kind::TlsHostname
            | Kind::TlsExpired
            | Kind::TlsProtocol
            | Kind::CertificateExpiring => Self::Tls,
            Kind::TokenUnavailable | Kind::TokenRejected | Kind::TokenExpiring | Kind::Fallback => {
                Self::Identity
            }
            Kind::AuthRejected | Kind::AuthRequired | Kind::SecondaryKey => Self::Authentication,
            Kind::PermissionDenied => Self::Permission,
            Kind::Loading
            | Kind::ReadOnly
            | Kind::OutOfMemory
            | Kind::Moved
            | Kind::ServerError
            | Kind::Mismatch
            | Kind::Stale => Self::Data,
            Kind::Closed | Kind::Timeout | Kind::Protocol | Kind::Internal => {
                finding.step.map_or(Self::Configuration, Self::of_step)
            }
        }
    }

    /// The names of evidence that say something of it, by how they begin.
    pub fn evidence(self) -> &'static [&'static str] {
        match self {
            Self::Configuration => &["config."],
            Self::Name => &["dns.", "addresses"],
            Self::Network => &["policy"],
            Self::Tls => &["tls."],
            Self::Identity => &["identity."],
            Self::Authentication => &["key."],
            Self::Permission | Self::Telemetry => &[],
            Self::Data => &["cluster.", "redis.slot", "redis.node"],
        }
    }
}
