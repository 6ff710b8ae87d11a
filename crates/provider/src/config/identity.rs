//! Whose tokens are used: a managed identity of Container Apps, or a workload identity of
//! Kubernetes.

use super::{ConfigError, parse};
use secrecy::SecretString;
use std::path::PathBuf;

/// Where Entra issues tokens in the public cloud.
const PUBLIC_CLOUD: &str = "https://login.microsoftonline.com/";

/// The managed identity endpoint of Container Apps.
#[derive(Clone, Debug)]
pub struct ManagedIdentity {
    /// `IDENTITY_ENDPOINT`.
    pub endpoint: http::Uri,
    /// `IDENTITY_HEADER`: whoever knows it gets tokens, so it is a secret.
    pub header: SecretString,
    /// `AZURE_CLIENT_ID`: a user-assigned identity; none for the system-assigned one.
    pub client_id: Option<String>,
}

/// A workload identity of Kubernetes: a token that the cluster signs, exchanged for one of Entra's
/// (<https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>).
#[derive(Clone, Debug)]
pub struct WorkloadIdentity {
    /// `AZURE_AUTHORITY_HOST`: where tokens are issued; the public cloud unless set.
    pub authority: http::Uri,
    /// `AZURE_AUTHORITY_CA_FILE`: PEM of a private CA, in place of the built-in roots.
    pub ca_file: Option<PathBuf>,
    /// `AZURE_TENANT_ID`.
    pub tenant_id: String,
    /// `AZURE_CLIENT_ID`.
    pub client_id: String,
    /// `AZURE_FEDERATED_TOKEN_FILE`: rotated by the cluster, so read with each request.
    pub token_file: PathBuf,
}

/// Whose tokens are used.
#[derive(Clone, Debug)]
pub enum Identity {
    /// A managed identity, through Container Apps' endpoint.
    Managed(ManagedIdentity),
    /// A workload identity, through Entra's token endpoint.
    Workload(WorkloadIdentity),
}

/// The identity that the variables configure.
pub fn read(read: &parse::Reader<'_>) -> Result<Option<Identity>, ConfigError> {
    let client_id = read.optional("AZURE_CLIENT_ID", parse::client_id)?;
    if let Some(managed) = managed_identity(read, client_id.clone())? {
        return Ok(Some(Identity::Managed(managed)));
    }
    let workload = workload_identity(read, client_id)?;
    Ok(workload.map(Identity::Workload))
}

fn managed_identity(
    read: &parse::Reader<'_>,
    client_id: Option<String>,
) -> Result<Option<ManagedIdentity>, ConfigError> {
    let endpoint = read.optional("IDENTITY_ENDPOINT", parse::http_uri)?;
    let header = read.optional("IDENTITY_HEADER", parse::header)?;
    match (endpoint, header) {
        (Some(endpoint), Some(header)) => Ok(Some(ManagedIdentity {
            endpoint,
            header,
            client_id,
        })),
        (None, None) => Ok(None),
        (Some(_), None) => {
            Err(read.error("IDENTITY_HEADER", "is not set, though IDENTITY_ENDPOINT is"))
        }
        (None, Some(_)) => {
            Err(read.error("IDENTITY_ENDPOINT", "is not set, though IDENTITY_HEADER is"))
        }
    }
}

fn workload_identity(
    read: &parse::Reader<'_>,
    client_id: Option<String>,
) -> Result<Option<WorkloadIdentity>, ConfigError> {
    let Some(token_file) = read.optional("AZURE_FEDERATED_TOKEN_FILE", parse::path)? else {
        return Ok(None);
    };
    let missing = "is not set, though AZURE_FEDERATED_TOKEN_FILE is";
    let tenant_id = read.optional("AZURE_TENANT_ID", parse::tenant_id)?;
    Ok(Some(WorkloadIdentity {
        authority: read.or(
            "AZURE_AUTHORITY_HOST",
            http::Uri::from_static(PUBLIC_CLOUD),
            parse::https_uri,
        )?,
        ca_file: read.optional("AZURE_AUTHORITY_CA_FILE", parse::path)?,
        tenant_id: tenant_id.ok_or_else(|| read.error("AZURE_TENANT_ID", missing))?,
        client_id: client_id.ok_or_else(|| read.error("AZURE_CLIENT_ID", missing))?,
        token_file,
    }))
}
