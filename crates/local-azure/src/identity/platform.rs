//! What each platform's endpoint asks of a request, and how it words a refusal.
//!
//! Sources: <https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference> (Container
//! Apps have the same), <https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token>,
//! <https://learn.microsoft.com/azure/azure-arc/servers/managed-identity-authentication>.

use super::Behaviour;
use crate::token::Token;
use std::fs;
use std::path::{Path, PathBuf};
use tiny_http::{Method, Request};

/// What a token is asked for. Microsoft's libraries do not escape it; both ways are right.
const RESOURCE: &str = "https://redis.azure.com";

/// Whose endpoint it is.
pub enum Platform {
    /// Container Apps, App Service and Functions.
    AppService {
        /// What the app finds in `IDENTITY_HEADER`.
        header: String,
    },
    /// A virtual machine, a scale set, a node of AKS, Container Instances.
    Imds,
    /// A server of Azure Arc: who may read a file of the agent's proves it.
    Arc {
        /// Where the agent puts its challenges.
        challenges: PathBuf,
        /// How it calls that folder to whoever asks.
        named: PathBuf,
    },
}

/// A request, read.
struct Asked {
    path: String,
    parameters: Vec<(String, String)>,
}

impl Asked {
    fn of(request: &Request) -> Self {
        let (path, query) = request.url().split_once('?').unwrap_or((request.url(), ""));
        Self {
            path: path.to_owned(),
            parameters: form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        let mut found = self.parameters.iter().filter(|(known, _)| known == name);
        found.next().map(|(_, value)| value.as_str())
    }

    /// How many of these there are.
    fn count(&self, names: &[&str]) -> usize {
        let known = |(name, _): &&(String, String)| names.contains(&name.as_str());
        self.parameters.iter().filter(known).count()
    }
}

impl Platform {
    /// A Container App, with a header of its own.
    pub fn container_apps() -> Self {
        Self::AppService {
            header: format!("{:032x}", fastrand::u128(..)),
        }
    }

    /// Where requests go.
    pub(super) fn path(&self) -> &'static str {
        match self {
            Self::AppService { .. } => "/msi/token",
            Self::Imds | Self::Arc { .. } => "/metadata/identity/oauth2/token",
        }
    }

    /// What the app finds in `IDENTITY_HEADER`.
    pub(super) fn header(&self) -> &str {
        match self {
            Self::AppService { header } => header,
            Self::Imds | Self::Arc { .. } => "",
        }
    }

    /// An answer with a token, as the platform words it.
    pub(super) fn token_response(&self, token: &Token) -> String {
        let life = token.expires_at.saturating_sub(crate::token::now());
        let (text, end) = (&token.text, token.expires_at);
        match self {
            Self::AppService { .. } => super::token_response(token),
            Self::Imds | Self::Arc { .. } => format!(
                r#"{{"access_token":"{text}","client_id":"0","expires_in":"{life}","expires_on":"{end}","ext_expires_in":"{life}","not_before":"0","resource":"{RESOURCE}","token_type":"Bearer"}}"#
            ),
        }
    }

    /// What a request is refused with; none when it follows the protocol.
    pub(super) fn refusal(&self, request: &mut Request) -> Option<Behaviour> {
        let asked = Asked::of(request);
        if asked.path != self.path() {
            return Some(self.refuse(404, "not_found", "no such path"));
        }
        if *request.method() != Method::Get {
            return Some(self.refuse(405, "bad_method", "GET only"));
        }
        match self {
            Self::AppService { header } => {
                if value(request, "X-IDENTITY-HEADER") != Some(header) {
                    return Some(self.refuse(401, "", "X-IDENTITY-HEADER is missing or wrong"));
                }
                let ids = ["client_id", "mi_res_id", "object_id", "principal_id"];
                self.refuse_query(&asked, &["2019-08-01"], &ids)
            }
            Self::Imds => {
                if let Some(refused) = self.refuse_metadata(request) {
                    return Some(refused);
                }
                let ids = ["client_id", "msi_res_id", "object_id"];
                self.refuse_query(&asked, &["2018-02-01"], &ids)
            }
            Self::Arc { challenges, named } => {
                if let Some(refused) = self.refuse_metadata(request) {
                    return Some(refused);
                }
                // An Arc server has one identity, and it is not chosen.
                self.refuse_query(&asked, &["2019-11-01", "2020-06-01"], &[])
                    .or_else(|| challenge(request, challenges, named))
            }
        }
    }

    fn refuse_metadata(&self, request: &Request) -> Option<Behaviour> {
        let there =
            value(request, "Metadata").is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let text = "Required metadata header not specified";
        (!there).then(|| self.refuse(400, "invalid_request", text))
    }

    fn refuse_query(&self, asked: &Asked, versions: &[&str], ids: &[&str]) -> Option<Behaviour> {
        const IDS: [&str; 5] = [
            "client_id",
            "mi_res_id",
            "msi_res_id",
            "object_id",
            "principal_id",
        ];
        let version = asked.get("api-version").unwrap_or_default();
        if !versions.contains(&version) {
            return Some(self.refuse(400, "invalid_request", "the api-version is not supported"));
        }
        let resource = asked
            .get("resource")
            .map(|resource| resource.trim_end_matches('/'));
        if resource != Some(RESOURCE) {
            return Some(self.refuse(400, "invalid_resource", "the resource is not known"));
        }
        let unknown = asked.count(&IDS) != asked.count(ids);
        if unknown || asked.count(ids) > 1 {
            return Some(self.refuse(400, "invalid_request", "the identity is not named rightly"));
        }
        None
    }

    /// A refusal as the platform words it.
    fn refuse(&self, status: u16, error: &str, text: &str) -> Behaviour {
        let body = match self {
            Self::AppService { .. } => format!(
                r#"{{"statusCode":{status},"message":"{text}","correlationId":"{:08x}"}}"#,
                fastrand::u32(..)
            ),
            Self::Imds | Self::Arc { .. } => {
                format!(r#"{{"error":"{error}","error_description":"{text}"}}"#)
            }
        };
        Behaviour::Raw(status, body, Vec::new())
    }
}

/// Asks for the contents of a file that only those can read who may have a token.
fn challenge(request: &Request, folder: &Path, named: &Path) -> Option<Behaviour> {
    let answer = value(request, "Authorization").and_then(|value| value.strip_prefix("Basic "));
    if let Some(answer) = answer {
        let files = fs::read_dir(folder).into_iter().flatten().flatten();
        let known = files.filter_map(|file| fs::read_to_string(file.path()).ok());
        let right = known.into_iter().any(|secret| secret == answer);
        return (!right).then(|| Behaviour::Raw(401, String::new(), Vec::new()));
    }
    let file = format!("{:032x}.key", fastrand::u128(..));
    let secret = format!("{:032x}", fastrand::u128(..));
    if fs::write(folder.join(&file), secret).is_err() {
        return Some(Behaviour::Raw(500, String::new(), Vec::new()));
    }
    let realm = format!("Basic realm={}", named.join(file).display());
    Some(Behaviour::Raw(
        401,
        String::new(),
        vec![("Www-Authenticate", realm)],
    ))
}

fn value<'a>(request: &'a Request, name: &'static str) -> Option<&'a str> {
    let headers = request.headers().iter();
    let mut found = headers.filter(|header| header.field.equiv(name));
    found.next().map(|header| header.value.as_str())
}
