//! Which credentials there are, in order of preference.

use super::identity::Identity;
use super::{Config, KeySource};
use cache_health_report::AuthMethod;

/// One way to authenticate that is configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Candidate {
    /// A token for a service principal, by its secret or its certificate.
    ServicePrincipal,
    /// A token for a workload identity of Kubernetes.
    WorkloadIdentity,
    /// A token for a managed identity, from the platform's own endpoint.
    ManagedIdentity,
    /// A token from the Azure CLI.
    AzureCli,
    /// A token from the Azure Developer CLI.
    AzureDeveloperCli,
    /// The primary access key.
    Primary,
    /// The secondary access key.
    Secondary,
}

impl Candidate {
    /// Its number in the `credentials` interface.
    pub fn id(self) -> u32 {
        match self {
            Self::ManagedIdentity => 0,
            Self::Primary => 1,
            Self::Secondary => 2,
            Self::WorkloadIdentity => 3,
            Self::ServicePrincipal => 4,
            Self::AzureCli => 5,
            Self::AzureDeveloperCli => 6,
        }
    }

    /// Whether it authenticates with a Microsoft Entra token rather than an access key.
    pub fn is_entra(self) -> bool {
        !matches!(self, Self::Primary | Self::Secondary)
    }

    /// The same in reports.
    pub fn method(self) -> AuthMethod {
        if self.is_entra() {
            AuthMethod::Entra
        } else {
            AuthMethod::AccessKey
        }
    }

    /// Its name in reports.
    pub fn label(self) -> &'static str {
        match self {
            Self::ServicePrincipal => "service-principal",
            Self::WorkloadIdentity => "workload-identity",
            Self::ManagedIdentity => "managed-identity",
            Self::AzureCli => "azure-cli",
            Self::AzureDeveloperCli => "azure-developer-cli",
            Self::Primary => "primary",
            Self::Secondary => "secondary",
        }
    }
}

impl Config {
    /// The candidates in order of preference: identities as in Azure's `DefaultAzureCredential`, then access keys.
    pub fn candidates(&self) -> Vec<Candidate> {
        let identities = self.identities.iter().map(Identity::candidate);
        let key = |source: &Option<KeySource>, candidate| source.as_ref().map(|_| candidate);
        let primary = key(&self.endpoint.primary, Candidate::Primary);
        let secondary = key(&self.endpoint.secondary, Candidate::Secondary);
        identities.chain(primary).chain(secondary).collect()
    }
}
