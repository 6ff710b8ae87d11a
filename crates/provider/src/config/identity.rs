//! Whose tokens are used: a managed identity of Container Apps, or a workload identity of
//! Kubernetes.

use super::{ConfigError, parse};
use secrecy::SecretString;
use std::path::PathBuf;

/// Where Entra issues tokens in the public cloud.
const PUBLIC_CLOUD: &str = "https://login.microsoftonline.com/";

/// Set on Arc machines, beside an endpoint that wants a challenge answered in place of a header.
const ARC: &str = "IMDS_ENDPOINT";
/// Set on Service Fabric and Container Instances.
const SERVICE_FABRIC: &str = "IDENTITY_SERVER_THUMBPRINT";

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
    /// Whether `HTTPS_PROXY` is set, which is not obeyed and says that the direct way may be closed.
    pub has_proxy: bool,
}

/// Whose tokens are used.
#[derive(Clone, Debug)]
pub enum Identity {
    /// A managed identity, through Container Apps' endpoint.
    Managed(ManagedIdentity),
    /// A workload identity, through Entra's token endpoint.
    Workload(WorkloadIdentity),
}

/// The identity that the variables configure, and what is wrong with those that they do not configure whole: platforms
/// set some of these variables for identities of their own.
pub fn read(read: &parse::Reader<'_>) -> (Option<Identity>, Vec<ConfigError>) {
    let managed = managed_identity(read).map(|managed| managed.map(Identity::Managed));
    let workload = workload_identity(read).map(|workload| workload.map(Identity::Workload));
    let (mut whole, mut unused) = (None, Vec::new());
    for identity in [managed, workload] {
        match identity {
            Ok(identity) => whole = whole.or(identity),
            Err(error) => unused.push(error),
        }
    }
    (whole, unused)
}

fn managed_identity(read: &parse::Reader<'_>) -> Result<Option<ManagedIdentity>, ConfigError> {
    match (
        read.is_set("IDENTITY_ENDPOINT"),
        read.is_set("IDENTITY_HEADER"),
    ) {
        (false, false) => Ok(None),
        (true, true) => Ok(Some(ManagedIdentity {
            endpoint: read
                .required("IDENTITY_ENDPOINT", parse::http_uri)
                .map_err(|error| elsewhere(error, read.is_set(SERVICE_FABRIC), "Service Fabric"))?,
            header: read.required("IDENTITY_HEADER", parse::header)?,
            client_id: read.optional("AZURE_CLIENT_ID", parse::client_id)?,
        })),
        (true, false) => Err(elsewhere(
            read.error("IDENTITY_HEADER", "is not set, though IDENTITY_ENDPOINT is"),
            read.is_set(ARC),
            "an Azure Arc machine, which sets IMDS_ENDPOINT",
        )),
        // Container Instances set the header and a thumbprint, and have no endpoint of this kind.
        (false, true) => Err(elsewhere(
            read.error("IDENTITY_ENDPOINT", "is not set, though IDENTITY_HEADER is"),
            read.is_set(SERVICE_FABRIC),
            "Azure Container Instances",
        )),
    }
}

/// The error of an identity that a platform sets up for itself, and that is none of the kinds that are used.
fn elsewhere(mut error: ConfigError, is_platform: bool, platform: &str) -> ConfigError {
    if is_platform {
        error.problem = format!(
            "{}: so it is on {platform}, whose managed identity is not supported",
            error.problem
        );
    }
    error
}

fn workload_identity(read: &parse::Reader<'_>) -> Result<Option<WorkloadIdentity>, ConfigError> {
    let Some(token_file) = read.optional("AZURE_FEDERATED_TOKEN_FILE", parse::path)? else {
        return Ok(None);
    };
    let missing = "is not set, though AZURE_FEDERATED_TOKEN_FILE is";
    let tenant_id = read.optional("AZURE_TENANT_ID", parse::tenant_id)?;
    let client_id = read.optional("AZURE_CLIENT_ID", parse::client_id)?;
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
        has_proxy: read.is_set("HTTPS_PROXY") || read.is_set("https_proxy"),
    }))
}
