//! Whose tokens are used: what identities the variables configure, in the order in which they are tried.

mod chain;

pub use chain::read;

use super::{Candidate, KeySource};
use crate::developer_tool::DeveloperTool;
use crate::managed_identity;
use cache_health_report::Evidence;
use secrecy::SecretString;
use std::path::PathBuf;

/// An application of Entra, and where its tokens are issued.
#[derive(Clone, Debug)]
pub struct Application {
    /// `AZURE_AUTHORITY_HOST`: where tokens are issued; the public cloud unless set.
    pub authority: http::Uri,
    /// `AZURE_AUTHORITY_CA_FILE`: PEM of a private CA, in place of the built-in roots.
    pub ca_file: Option<PathBuf>,
    /// The name that its certificate is for, where that is not the host's: `AZURE_KUBERNETES_SNI_NAME`.
    pub tls_name: Option<String>,
    /// `AZURE_TENANT_ID`.
    pub tenant_id: String,
    /// `AZURE_CLIENT_ID`.
    pub client_id: String,
    /// `HTTPS_PROXY` and `NO_PROXY`: the way to the authority.
    pub proxy: Option<Proxy>,
}

/// A proxy on the way to Entra.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// `HTTPS_PROXY`, which may hold a password.
    pub uri: SecretString,
    /// `NO_PROXY`: hosts that are reached without it.
    pub except: String,
}

/// What an application proves itself with
/// (<https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>).
#[derive(Clone, Debug)]
pub enum Proof {
    /// `AZURE_CLIENT_SECRET`, or `AZURE_CLIENT_SECRET_FILE`.
    Secret(KeySource),
    /// `AZURE_CLIENT_CERTIFICATE_PATH`: PEM of a private key and its certificate, which signs an assertion.
    Certificate(PathBuf),
    /// `AZURE_FEDERATED_TOKEN_FILE`: a token that the cluster signs and rotates, so read with each request.
    FederatedToken(PathBuf),
}

/// A managed identity's endpoint.
#[derive(Clone, Debug)]
pub enum ManagedEndpoint {
    /// Container Apps, App Service and Functions: `IDENTITY_ENDPOINT` with `IDENTITY_HEADER`.
    AppService {
        /// Where it is.
        uri: http::Uri,
        /// Whoever knows it gets tokens, so it is a secret.
        header: SecretString,
    },
    /// A server of Azure Arc: `IDENTITY_ENDPOINT` with `IMDS_ENDPOINT`, which wants a challenge answered.
    Arc {
        /// Where it is.
        uri: http::Uri,
    },
    /// A virtual machine, a scale set, a node of AKS, Container Instances: an address that needs no configuration.
    Imds {
        /// Where it is.
        uri: http::Uri,
    },
}

/// Which of a resource's identities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// The system-assigned one, or the only one.
    Default,
    /// `AZURE_CLIENT_ID`.
    ClientId(String),
    /// `AZURE_RESOURCE_ID`.
    ResourceId(String),
    /// `AZURE_OBJECT_ID`.
    ObjectId(String),
}

/// A managed identity.
#[derive(Clone, Debug)]
pub struct ManagedIdentity {
    /// Where its tokens are.
    pub endpoint: ManagedEndpoint,
    /// Which one.
    pub which: Which,
}

impl ManagedIdentity {
    /// Where its tokens are.
    pub fn uri(&self) -> &http::Uri {
        match &self.endpoint {
            ManagedEndpoint::AppService { uri, .. }
            | ManagedEndpoint::Arc { uri }
            | ManagedEndpoint::Imds { uri } => uri,
        }
    }
}

/// Whose tokens are used.
#[derive(Clone, Debug)]
pub enum Identity {
    /// A service principal, or a workload identity of Kubernetes, through Entra's token endpoint.
    Application(Application, Proof),
    /// A managed identity, through its platform's endpoint.
    Managed(ManagedIdentity),
    /// Whoever is logged in with a developer tool.
    Tool(DeveloperTool),
}

impl Identity {
    /// Whom a token is asked of, and how: what a failure says of it.
    pub fn evidence(&self) -> Evidence {
        let mut evidence = Evidence::of("identity.source", self.candidate().label());
        let uri = match self {
            Self::Managed(managed) => {
                let platform = managed_identity::platform(&managed.endpoint);
                evidence.set("identity.platform", platform);
                if let Some(asked) = managed_identity::asked(&managed.which) {
                    evidence.set("identity.asked", asked);
                }
                managed.uri()
            }
            Self::Application(application, _) => {
                if application.proxy.is_some() {
                    evidence.set("identity.proxy", "HTTPS_PROXY");
                }
                &application.authority
            }
            Self::Tool(tool) => return evidence.with("identity.endpoint", tool.program()),
        };
        if let Some(authority) = uri.authority() {
            evidence.set("identity.endpoint", authority.as_str());
        }
        evidence
    }

    /// How it is called among the credentials.
    pub fn candidate(&self) -> Candidate {
        match self {
            Self::Application(_, Proof::FederatedToken(_)) => Candidate::WorkloadIdentity,
            Self::Application(..) => Candidate::ServicePrincipal,
            Self::Managed(_) => Candidate::ManagedIdentity,
            Self::Tool(DeveloperTool::AzureCli) => Candidate::AzureCli,
            Self::Tool(DeveloperTool::AzureDeveloperCli) => Candidate::AzureDeveloperCli,
        }
    }
}

#[cfg(test)]
mod tests;
