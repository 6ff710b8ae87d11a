//! A managed identity's request for a token, whatever platform it is on. The answer is judged by [`crate::identity::judge`].
//!
//! Sources: <https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference> (Container
//! Apps have the same), <https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token>,
//! <https://learn.microsoft.com/azure/azure-arc/servers/managed-identity-authentication>.

use crate::config::{AuthPolicy, ManagedEndpoint, ManagedIdentity, Which};
use crate::identity::{NoToken, escape};
use crate::schedule::MOST_ASKED;
use cache_health_report::{Failure, Kind};
use secrecy::SecretString;
use std::path::{Path, PathBuf};

/// The header that proves that a request comes from inside the app.
pub const APP_SERVICE_HEADER: &str = "x-identity-header";
/// The header that proves that a request was not made by a browser or through a redirect.
pub const METADATA_HEADER: &str = "metadata";
/// Where an Arc server's agent puts its challenges (Linux).
pub const ARC_CHALLENGES: &str = "/var/opt/azcmagent/tokens";
/// The longest challenge, in bytes.
pub const MAX_CHALLENGE: usize = 4096;

/// The path and query to get, and the header that goes with them.
pub struct Request {
    /// Path and query.
    pub target: String,
    /// The name of the header.
    pub header: &'static str,
    /// Its value.
    pub value: SecretString,
}

/// The request for a token for this resource.
pub fn request(identity: &ManagedIdentity, resource: &str) -> Request {
    let (version, names) = match &identity.endpoint {
        ManagedEndpoint::AppService { .. } => {
            ("2019-08-01", ["client_id", "mi_res_id", "object_id"])
        }
        ManagedEndpoint::Imds { .. } => ("2018-02-01", ["client_id", "msi_res_id", "object_id"]),
        ManagedEndpoint::Arc { .. } => ("2019-11-01", ["client_id", "mi_res_id", "object_id"]),
    };
    let uri = identity.uri();
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let separator = if uri.query().is_some() { '&' } else { '?' };
    let mut target = format!(
        "{path}{separator}api-version={version}&resource={}",
        escape(resource)
    );
    if let Some((name, id)) = named(&identity.which, names) {
        target += &format!("&{name}={}", escape(id));
    }
    let (header, value) = match &identity.endpoint {
        ManagedEndpoint::AppService { header, .. } => (APP_SERVICE_HEADER, header.clone()),
        ManagedEndpoint::Imds { .. } | ManagedEndpoint::Arc { .. } => {
            (METADATA_HEADER, SecretString::from("true"))
        }
    };
    Request {
        target,
        header,
        value,
    }
}

fn named<'a>(which: &'a Which, names: [&'static str; 3]) -> Option<(&'static str, &'a str)> {
    match which {
        Which::Default => None,
        Which::ClientId(id) => Some((names[0], id)),
        Which::ResourceId(id) => Some((names[1], id)),
        Which::ObjectId(id) => Some((names[2], id)),
    }
}

/// Whose endpoint it is, as a name of evidence.
pub fn platform(endpoint: &ManagedEndpoint) -> &'static str {
    match endpoint {
        ManagedEndpoint::AppService { .. } => "app-service",
        ManagedEndpoint::Arc { .. } => "arc",
        ManagedEndpoint::Imds { .. } => "imds",
    }
}

/// At the address that every machine may ask, nobody answers, or somebody who is not Azure's: the machine has no identity,
/// and nothing else is configured.
pub fn no_endpoint(auth: AuthPolicy) -> NoToken {
    let (variable, problem) = match auth {
        AuthPolicy::Entra => (
            "REDIS_AUTH",
            "is entra, but no identity is configured, and this machine has none (nobody of Azure's answers at \
             169.254.169.254)",
        ),
        AuthPolicy::Auto | AuthPolicy::AccessKey => (
            "REDIS_ACCESS_KEY",
            "is not set, no identity is configured, and this machine has none (nobody of Azure's answers at \
             169.254.169.254): there is no credential to check the cache with",
        ),
    };
    let failure = Failure::of(Kind::Config)
        .with("config.variable", variable)
        .with("config.problem", problem)
        .with("identity.problem", "no-endpoint");
    NoToken {
        failure,
        retry_after: Some(MOST_ASKED),
    }
}

/// Whether an answer from that address is of Azure's metadata service: other clouds have one at the same address, and a
/// network may have a page there that says no. Its refusals are objects with an `error`; when it fails, it may say anything.
pub fn is_azures(status: u16, body: &[u8]) -> bool {
    let refuses = || serde_json::from_slice::<serde_json::Value>(body).ok();
    match status {
        200 | 408 | 410 | 429 | 500.. => true,
        _ => refuses().is_some_and(|answer| answer.get("error").is_some()),
    }
}

/// By what the identity was asked for, as a name of evidence.
pub fn asked(which: &Which) -> Option<&'static str> {
    named(which, ["client_id", "resource_id", "object_id"]).map(|(name, _)| name)
}

/// The file that an Arc server's agent wants read, from the challenge of its 401.
///
/// The answer comes from outside: a file anywhere else than below the agent's own folder would be read for whoever pretends
/// to be the agent, and sent to it. None for such a challenge.
pub fn challenge_file(challenge: &str, folder: &Path) -> Option<PathBuf> {
    let path = challenge
        .trim()
        .strip_prefix("Basic realm=")?
        .trim_matches('"');
    let path = Path::new(path);
    let below = path.parent() == Some(folder) && path.extension().is_some_and(|end| end == "key");
    below.then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RESOURCE;
    use secrecy::ExposeSecret as _;

    fn identity(endpoint: ManagedEndpoint, which: Which) -> ManagedIdentity {
        ManagedIdentity { endpoint, which }
    }

    fn uri(text: &'static str) -> http::Uri {
        http::Uri::from_static(text)
    }

    #[test]
    fn each_platform_is_asked_in_its_own_way() {
        let app_service = ManagedEndpoint::AppService {
            uri: uri("http://localhost:42356/msi/token"),
            header: "h".into(),
        };
        let made = request(&identity(app_service.clone(), Which::Default), RESOURCE);
        assert_eq!(
            made.target,
            "/msi/token?api-version=2019-08-01&resource=https%3A%2F%2Fredis.azure.com"
        );
        assert_eq!(
            (made.header, made.value.expose_secret()),
            ("x-identity-header", "h")
        );
        let by_resource = Which::ResourceId("/subscriptions/s".into());
        let made = request(&identity(app_service, by_resource.clone()), RESOURCE);
        assert!(
            made.target.ends_with("&mi_res_id=%2Fsubscriptions%2Fs"),
            "{}",
            made.target
        );

        let imds = ManagedEndpoint::Imds {
            uri: uri("http://169.254.169.254/metadata/identity/oauth2/token"),
        };
        let made = request(&identity(imds.clone(), by_resource), RESOURCE);
        assert!(made.target.contains("api-version=2018-02-01"));
        assert!(made.target.ends_with("&msi_res_id=%2Fsubscriptions%2Fs"));
        assert_eq!(
            (made.header, made.value.expose_secret()),
            ("metadata", "true")
        );
        let made = request(&identity(imds, Which::ObjectId("o".into())), "r");
        assert!(made.target.ends_with("resource=r&object_id=o"));
    }

    #[test]
    fn an_endpoint_with_a_query_keeps_it() {
        let endpoint = ManagedEndpoint::Arc {
            uri: uri("http://127.0.0.1:40342/token?a=b"),
        };
        let made = request(&identity(endpoint, Which::Default), "r");
        assert_eq!(made.target, "/token?a=b&api-version=2019-11-01&resource=r");
    }

    #[test]
    fn another_clouds_metadata_service_is_not_azures() {
        let no_identity =
            br#"{"error":"invalid_request","error_description":"Identity not found"}"#;
        assert!(is_azures(400, no_identity));
        assert!(is_azures(503, b""));
        assert!(!is_azures(404, b"<html>not found</html>"));
        assert!(!is_azures(403, b"Forbidden"));
        assert!(!is_azures(401, br#"{"message":"no token"}"#));
    }

    #[test]
    fn a_challenge_is_read_below_the_agents_folder_only() {
        let folder = Path::new(ARC_CHALLENGES);
        let file = |challenge: &str| challenge_file(challenge, folder);
        let good = "Basic realm=/var/opt/azcmagent/tokens/abc.key";
        assert_eq!(
            file(good),
            Some(PathBuf::from("/var/opt/azcmagent/tokens/abc.key"))
        );
        for bad in [
            "Basic realm=/etc/shadow",
            "Basic realm=/var/opt/azcmagent/tokens/../../../etc/x.key",
            "Basic realm=/var/opt/azcmagent/tokens/sub/x.key",
            "Basic realm=/var/opt/azcmagent/tokens/x",
            "Bearer realm=/var/opt/azcmagent/tokens/x.key",
            "Basic realm=",
            "",
        ] {
            assert_eq!(file(bad), None, "{bad}");
        }
    }
}
