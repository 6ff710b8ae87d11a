//! What to do about each kind of failure, in Azure's terms, decided by what was seen.
//!
//! `"$RG"` stays for the reader to fill: nothing here knows the resource group. Required arguments were checked against
//! the CLI's own definitions: `az redis access-policy-assignment create` needs `--policy-assignment-name`, which the
//! recipe this grew from leaves out; an assignment's name on Azure Managed Redis may hold letters and digits only.

mod access;
mod configuration;
mod entra;
mod identity;
mod network;
mod server;
mod tls;

use crate::Case;
use cache_health_report::Kind;

/// What to do.
pub fn remedy(case: &Case<'_>) -> String {
    match case.kind {
        Kind::Config | Kind::NotAllowed => configuration::remedy(case),
        Kind::Dns | Kind::Connect | Kind::Closed | Kind::Timeout => network::remedy(case),
        Kind::TlsUntrusted
        | Kind::TlsHostname
        | Kind::TlsExpired
        | Kind::TlsProtocol
        | Kind::Protocol
        | Kind::CertificateExpiring => tls::remedy(case),
        Kind::TokenUnavailable | Kind::TokenRejected | Kind::TokenExpiring => {
            identity::remedy(case)
        }
        Kind::AuthRejected
        | Kind::AuthRequired
        | Kind::PermissionDenied
        | Kind::SecondaryKey
        | Kind::Fallback => access::remedy(case),
        Kind::Loading
        | Kind::ReadOnly
        | Kind::OutOfMemory
        | Kind::Moved
        | Kind::ServerError
        | Kind::Mismatch => server::remedy(case),
        Kind::Stale => {
            "The probe itself stopped sampling: look at its log and its CPU limit, then restart it."
                .into()
        }
        Kind::Internal => "A fault of cache-health itself: please report it with the log.".into(),
    }
}
