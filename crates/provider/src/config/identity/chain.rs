//! Which identities are tried, and in which order: that of Azure's `DefaultAzureCredential`
//! (<https://learn.microsoft.com/dotnet/azure/sdk/authentication/credential-chains>).

use super::{Application, Identity, ManagedEndpoint, ManagedIdentity, Proof, Proxy, Which};
use crate::config::cloud::Cloud;
use crate::config::endpoint::Source;
use crate::config::parse::{self, Reader};
use crate::config::{Candidate, ConfigError, Endpoint};
use crate::developer_tool::DeveloperTool;

/// Where a virtual machine finds the tokens of its identity.
const IMDS: &str = "http://169.254.169.254/metadata/identity/oauth2/token";
/// Set on Arc machines, beside an endpoint that wants a challenge answered in place of a header.
const ARC: &str = "IMDS_ENDPOINT";
/// Set on Service Fabric and Container Instances.
const THUMBPRINT: &str = "IDENTITY_SERVER_THUMBPRINT";

/// Which credentials may be tried (`AZURE_TOKEN_CREDENTIALS`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Narrowed {
    /// All there are: those of deployments, and developer tools where none of them is configured.
    No,
    /// Those of deployments.
    Deployment,
    /// Developer tools.
    Developer,
    /// This one.
    To(Candidate),
}

impl Narrowed {
    fn of(text: &str) -> Result<Self, &'static str> {
        match text.to_ascii_lowercase().as_str() {
            "prod" => Ok(Self::Deployment),
            "dev" => Ok(Self::Developer),
            "environmentcredential" => Ok(Self::To(Candidate::ServicePrincipal)),
            "workloadidentitycredential" => Ok(Self::To(Candidate::WorkloadIdentity)),
            "managedidentitycredential" => Ok(Self::To(Candidate::ManagedIdentity)),
            "azureclicredential" => Ok(Self::To(Candidate::AzureCli)),
            "azuredeveloperclicredential" => Ok(Self::To(Candidate::AzureDeveloperCli)),
            _ => Err(
                "must be prod, dev, EnvironmentCredential, WorkloadIdentityCredential, ManagedIdentityCredential, \
                      AzureCliCredential or AzureDeveloperCliCredential",
            ),
        }
    }

    fn allows(self, candidate: Candidate) -> bool {
        let is_tool = matches!(
            candidate,
            Candidate::AzureCli | Candidate::AzureDeveloperCli
        );
        match self {
            Self::No => true,
            Self::Deployment => !is_tool,
            Self::Developer => is_tool,
            Self::To(only) => only == candidate,
        }
    }
}

/// The identities that the variables configure, in order, and what is wrong with those that they do not configure whole:
/// platforms set some of these variables for identities of their own.
pub fn read(
    read: &Reader<'_>,
    endpoint: &Endpoint,
) -> Result<(Vec<Identity>, Vec<ConfigError>), ConfigError> {
    let narrowed = read.or("AZURE_TOKEN_CREDENTIALS", Narrowed::No, Narrowed::of)?;
    let has_key = endpoint.primary.is_some() || endpoint.secondary.is_some();
    let by_name = narrowed == Narrowed::To(Candidate::ManagedIdentity);
    let names = Names::of(read, endpoint);
    let (mut chain, mut unused) = (Vec::new(), Vec::new());
    for (candidate, identity) in [
        (Candidate::ServicePrincipal, service_principal(read, &names)),
        (Candidate::WorkloadIdentity, workload_identity(read, &names)),
        (
            Candidate::ManagedIdentity,
            managed_identity(read, &names, has_key && !by_name),
        ),
    ] {
        if !narrowed.allows(candidate) {
            continue;
        }
        match identity {
            Ok(identity) => chain.extend(identity),
            Err(error) => unused.push(error),
        }
    }
    let nothing_else = chain.is_empty() && unused.is_empty() && !has_key;
    if chain.is_empty() && (nothing_else || by_name) && narrowed.allows(Candidate::ManagedIdentity)
    {
        chain.extend(imds(read, &names)?);
    }
    if nothing_else || matches!(narrowed, Narrowed::Developer | Narrowed::To(_)) {
        let tools = DeveloperTool::ALL.into_iter();
        let tools = tools.map(|tool| (tool.program(), Identity::Tool(tool)));
        let there = tools.filter(|(program, tool)| {
            narrowed.allows(tool.candidate()) && read.has_program(program)
        });
        chain.extend(there.map(|(_, tool)| tool));
    }
    Ok((chain, unused))
}

/// How the variables of an application are called, which depends on who set them.
struct Names {
    tenant_id: &'static str,
    client_id: &'static str,
    client_secret: &'static str,
    client_secret_file: &'static str,
    /// Whether Service Connector set them: then no other variable names an identity.
    of_service_connector: bool,
    /// The cloud that the cache is in, as far as its name says.
    cloud: Option<Cloud>,
}

impl Names {
    fn of(read: &Reader<'_>, endpoint: &Endpoint) -> Self {
        let (source, cloud) = (endpoint.source, Cloud::of(&endpoint.host));
        // Service Connector names the identity that it gave access to; the app may have others.
        if source == Source::ServiceConnector && read.is_set("AZURE_REDIS_CLIENTID") {
            return Self {
                tenant_id: "AZURE_REDIS_TENANTID",
                client_id: "AZURE_REDIS_CLIENTID",
                client_secret: "AZURE_REDIS_CLIENTSECRET",
                client_secret_file: "AZURE_REDIS_CLIENTSECRET_FILE",
                of_service_connector: true,
                cloud,
            };
        }
        Self {
            tenant_id: "AZURE_TENANT_ID",
            client_id: "AZURE_CLIENT_ID",
            client_secret: "AZURE_CLIENT_SECRET",
            client_secret_file: "AZURE_CLIENT_SECRET_FILE",
            of_service_connector: false,
            cloud,
        }
    }

    /// That of the cache's cloud, unless another is set, which then is probably not what was meant.
    fn authority(&self, read: &Reader<'_>) -> Result<http::Uri, ConfigError> {
        const NAME: &str = "AZURE_AUTHORITY_HOST";
        let own = self.cloud.unwrap_or(Cloud::Public);
        let default = http::Uri::from_static(own.authority());
        let authority = read.or(NAME, default, parse::https_uri)?;
        let theirs = Cloud::of(authority.host().unwrap_or_default());
        if let (Some(own), Some(theirs)) = (self.cloud, theirs)
            && own != theirs
        {
            let problem = format!(
                "is Entra's in {}, and the cache is in {}: use {}",
                theirs.name(),
                own.name(),
                own.authority()
            );
            read.warn(read.error(NAME, &problem));
        }
        Ok(authority)
    }

    /// An application that is proved by what this variable holds.
    fn application(&self, read: &Reader<'_>, proof: &str) -> Result<Application, ConfigError> {
        let missing = format!("is not set, though {proof} is");
        let tenant_id = read.optional(self.tenant_id, parse::tenant_id)?;
        let client_id = read.optional(self.client_id, parse::client_id)?;
        Ok(Application {
            authority: self.authority(read)?,
            ca_file: read.optional("AZURE_AUTHORITY_CA_FILE", parse::path)?,
            tls_name: None,
            tenant_id: tenant_id.ok_or_else(|| read.error(self.tenant_id, &missing))?,
            client_id: client_id.ok_or_else(|| read.error(self.client_id, &missing))?,
            proxy: proxy(read)?,
        })
    }
}

/// In capitals or not, as everywhere.
fn proxy(read: &Reader<'_>) -> Result<Option<Proxy>, ConfigError> {
    let either = |upper: &'static str, lower: &'static str| {
        if read.is_set(upper) { upper } else { lower }
    };
    let uri = read.optional(either("HTTPS_PROXY", "https_proxy"), parse::proxy)?;
    let except = read
        .text(either("NO_PROXY", "no_proxy"))?
        .unwrap_or_default();
    Ok(uri.map(|uri| Proxy { uri, except }))
}

/// A secret wins over a certificate, as in Azure's SDKs.
fn service_principal(read: &Reader<'_>, names: &Names) -> Result<Option<Identity>, ConfigError> {
    if let Some(secret) = read.key(names.client_secret, names.client_secret_file)? {
        let application = names.application(read, names.client_secret)?;
        return Ok(Some(Identity::Application(
            application,
            Proof::Secret(secret),
        )));
    }
    const CERTIFICATE: &str = "AZURE_CLIENT_CERTIFICATE_PATH";
    let Some(path) = read.optional(CERTIFICATE, parse::path)? else {
        return Ok(None);
    };
    let application = names.application(read, CERTIFICATE)?;
    Ok(Some(Identity::Application(
        application,
        Proof::Certificate(path),
    )))
}

fn workload_identity(read: &Reader<'_>, names: &Names) -> Result<Option<Identity>, ConfigError> {
    const FILE: &str = "AZURE_FEDERATED_TOKEN_FILE";
    let Some(file) = read.optional(FILE, parse::path)? else {
        return Ok(None);
    };
    let mut application = names.application(read, FILE)?;
    through_the_cluster(read, &mut application)?;
    Ok(Some(Identity::Application(
        application,
        Proof::FederatedToken(file),
    )))
}

/// `has_key`: an access key is configured, and no identity asked for by name.
fn managed_identity(
    read: &Reader<'_>,
    names: &Names,
    has_key: bool,
) -> Result<Option<Identity>, ConfigError> {
    let (endpoint, header) = ("IDENTITY_ENDPOINT", "IDENTITY_HEADER");
    match (read.is_set(endpoint), read.is_set(header)) {
        (false, false) => Ok(None),
        (true, true) => {
            let uri = read.required(endpoint, parse::http_uri);
            let uri = uri.map_err(|error| elsewhere(error, read.is_set(THUMBPRINT)))?;
            let header = read.required(header, parse::header)?;
            managed(read, names, ManagedEndpoint::AppService { uri, header }).map(Some)
        }
        (true, false) if read.is_set(ARC) => {
            let uri = read.required(endpoint, parse::http_uri)?;
            managed(read, names, ManagedEndpoint::Arc { uri }).map(Some)
        }
        (true, false) => Err(read.error(header, "is not set, though IDENTITY_ENDPOINT is")),
        // Container Instances set the header and a thumbprint; their tokens are at IMDS.
        (false, true) if read.is_set(THUMBPRINT) && has_key => Err(read.error(
            endpoint,
            "is not set, though IDENTITY_HEADER is, so it is on Azure Container Instances: with an access key beside it, its \
             identity is used where AZURE_TOKEN_CREDENTIALS is ManagedIdentityCredential",
        )),
        (false, true) if read.is_set(THUMBPRINT) && read.has_imds() => Ok(None),
        (false, true) => Err(read.error(endpoint, "is not set, though IDENTITY_HEADER is")),
    }
}

fn imds(read: &Reader<'_>, names: &Names) -> Result<Option<Identity>, ConfigError> {
    if !read.has_imds() {
        return Ok(None);
    }
    let uri = read.or(
        "AZURE_POD_IDENTITY_AUTHORITY_HOST",
        http::Uri::from_static(IMDS),
        |text| {
            parse::http_uri(&format!(
                "{}/metadata/identity/oauth2/token",
                text.trim_end_matches('/')
            ))
        },
    )?;
    managed(read, names, ManagedEndpoint::Imds { uri }).map(Some)
}

/// AKS sets these where a cluster asks Entra for its pods: the request is the same, and goes to the cluster's own proxy.
fn through_the_cluster(
    read: &Reader<'_>,
    application: &mut Application,
) -> Result<(), ConfigError> {
    const PROXY: &str = "AZURE_KUBERNETES_TOKEN_PROXY";
    let Some(proxy) = read.optional(PROXY, parse::https_uri)? else {
        return Ok(());
    };
    application.authority = proxy;
    application.proxy = None;
    application.ca_file = read.optional("AZURE_KUBERNETES_CA_FILE", parse::path)?;
    application.tls_name = read.optional("AZURE_KUBERNETES_SNI_NAME", parse::host)?;
    if read.is_set("AZURE_KUBERNETES_CA_DATA") {
        return Err(read.error(
            "AZURE_KUBERNETES_CA_DATA",
            "is not read: put the certificate into a file that AZURE_KUBERNETES_CA_FILE names",
        ));
    }
    Ok(())
}

fn managed(
    read: &Reader<'_>,
    names: &Names,
    endpoint: ManagedEndpoint,
) -> Result<Identity, ConfigError> {
    let named = named(read, names)?;
    if let (Some((name, _)), ManagedEndpoint::Arc { .. }) = (&named, &endpoint) {
        return Err(read.error(
            name,
            "names an identity, and a server of Azure Arc has only its own",
        ));
    }
    let which = named.map_or(Which::Default, |(_, which)| which);
    Ok(Identity::Managed(ManagedIdentity { endpoint, which }))
}

/// The identity that is named, and by which variable: a resource id or an object id is there for nothing else, where a
/// client id may be another library's.
fn named(read: &Reader<'_>, names: &Names) -> Result<Option<(&'static str, Which)>, ConfigError> {
    const RESOURCE: &str = "AZURE_RESOURCE_ID";
    const OBJECT: &str = "AZURE_OBJECT_ID";
    let client = read.optional(names.client_id, parse::client_id)?;
    let client = client.map(|id| (names.client_id, Which::ClientId(id)));
    if names.of_service_connector {
        return Ok(client);
    }
    let resource = read.optional(RESOURCE, parse::resource_id)?;
    let object = read.optional(OBJECT, parse::client_id)?;
    Ok(resource
        .map(|id| (RESOURCE, Which::ResourceId(id)))
        .or(object.map(|id| (OBJECT, Which::ObjectId(id))))
        .or(client))
}

/// The error of an identity that Service Fabric sets up for itself, and that is none of the kinds that are used.
fn elsewhere(mut error: ConfigError, is_service_fabric: bool) -> ConfigError {
    if is_service_fabric {
        error.problem = format!(
            "{}: so it is on Service Fabric, whose managed identity is not supported",
            error.problem
        );
    }
    error
}
