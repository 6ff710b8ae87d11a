//! Where tokens come from.

use crate::files::Files;
use crate::identity::application::TokenEndpoint;
use crate::identity::{managed, tool};
use cache_health_provider::ConfigError;
use cache_health_provider::config::{AuthPolicy, Config, Identity, ManagedIdentity};
use cache_health_provider::developer_tool::DeveloperTool;
use cache_health_provider::identity::{NoToken, Token};
use cache_health_report::Evidence;
use std::sync::Arc;

/// Where the tokens of one identity come from.
pub struct Source {
    /// Whom is asked, and how.
    seen: Evidence,
    asked: Asked,
    files: Arc<Files>,
    issuer: Issuer,
}

/// What is asked for.
pub struct Asked {
    /// The resource of the token.
    pub resource: String,
    /// What else may be used, for whoever has to say that there is nothing.
    pub auth: AuthPolicy,
}

/// Whoever issues it.
enum Issuer {
    /// A platform's own endpoint.
    Platform(ManagedIdentity),
    /// Entra's token endpoint.
    Entra(TokenEndpoint),
    /// A developer tool on this machine.
    Tool(DeveloperTool),
}

impl Source {
    /// Builds what is built once. Fails when a file that is configured cannot be used.
    pub async fn new(
        identity: Identity,
        config: &Config,
        files: &Arc<Files>,
    ) -> Result<Self, ConfigError> {
        let seen = identity.evidence();
        let issuer = match identity {
            Identity::Managed(managed) => Issuer::Platform(managed),
            Identity::Application(application, proof) => {
                Issuer::Entra(TokenEndpoint::new(application, proof, files).await?)
            }
            Identity::Tool(tool) => Issuer::Tool(tool),
        };
        Ok(Self {
            seen,
            asked: Asked {
                resource: config.resource.clone(),
                auth: config.auth,
            },
            files: Arc::clone(files),
            issuer,
        })
    }

    /// Asks for a token, once. A failure says whom was asked, and how.
    pub async fn request(&self) -> Result<Token, NoToken> {
        let result = match &self.issuer {
            Issuer::Platform(identity) => {
                managed::request(identity, &self.asked, &self.files).await
            }
            Issuer::Entra(endpoint) => endpoint.request(&self.asked.resource, &self.files).await,
            Issuer::Tool(tool) => tool::request(*tool, &self.asked.resource).await,
        };
        result.map_err(|mut no_token| {
            no_token.failure.evidence.extend(self.seen.clone());
            no_token
        })
    }
}
