//! What to do about each kind of trouble, in Azure's terms: one table.
//!
//! Commands are filled with what is known. `"$RG"` stays for the reader to fill: nothing here
//! knows the resource group. Required arguments were checked against the CLI's own definitions:
//! `az redis access-policy-assignment create` needs `--policy-assignment-name`, which the recipe
//! this grew from leaves out; an assignment's name on Azure Managed Redis may hold letters and
//! digits only.

use crate::capabilities::Settings;
use cache_health_report::{AuthMethod, Kind, Step};

/// What providers call a workload identity.
const WORKLOAD_IDENTITY: &str = "workload-identity";

/// Which of Azure's services a host name belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service<'a> {
    /// `<name>.redis.cache.windows.net`: Azure Cache for Redis.
    CacheForRedis(&'a str),
    /// `<name>.<region>.redis.azure.net`: Azure Managed Redis.
    ManagedRedis(&'a str),
    /// Neither: a private name or address.
    Unknown,
}

impl<'a> Service<'a> {
    /// By the suffixes that Azure documents for its public clouds.
    pub fn of(host: &'a str) -> Self {
        let name = host.split('.').next().unwrap_or_default();
        if host.contains(".redis.cache.") {
            Self::CacheForRedis(name)
        } else if host.ends_with(".redis.azure.net") {
            Self::ManagedRedis(name)
        } else {
            Self::Unknown
        }
    }
}

/// What is known when a remedy is written.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    pub settings: Option<&'a Settings>,
    pub step: Option<Step>,
    pub method: Option<AuthMethod>,
    /// Where the credential comes from, as its provider calls it.
    pub label: Option<&'a str>,
    pub principal: Option<&'a str>,
    /// Whether the identity endpoint answered 400: no such identity is assigned.
    pub no_such_identity: bool,
    /// How many seconds ago a token had ended that was only just handed out.
    pub ended_ago: Option<i64>,
}

/// What to do about trouble of this kind.
pub fn remedy(kind: Kind, circumstances: Circumstances<'_>) -> String {
    let host = circumstances
        .settings
        .map_or("", |settings| settings.host.as_str());
    let port = circumstances
        .settings
        .map_or(6380, |settings| settings.port);
    let key = circumstances
        .settings
        .map_or("health", |settings| settings.key.as_str());
    let service = Service::of(host);
    let text = match kind {
        Kind::Config => "Correct the variable; see the table of variables in the README.".into(),
        Kind::Dns => format!(
            "Check REDIS_HOST. With a private endpoint, link its private DNS zone to the app's \
             virtual network. {}",
            show(service, "hostName")
        ),
        Kind::Connect => format!(
            "Check REDIS_PORT (6380 on Azure Cache for Redis, 10000 on Azure Managed Redis), the \
             cache's firewall rules and private endpoint, and that it is running. {}",
            show(service, "provisioningState")
        ),
        Kind::TlsUntrusted => {
            "Something other than Azure answers, or TLS is inspected on the way: \
             Azure's certificates verify with the built-in roots. For a private CA set \
             REDIS_CA_FILE."
                .into()
        }
        Kind::TlsHostname => "Set REDIS_HOST to the name in the certificate (names in `tls`), not \
             to an IP address or an alias of one's own."
            .into(),
        Kind::TlsExpired => "The server's certificate is outside its dates. Azure renews its own: \
             check this machine's clock first, then who answers at REDIS_HOST."
            .into(),
        Kind::TlsProtocol => format!(
            "Check that port {port} is the TLS port, and that no proxy on the way forces TLS 1.2 \
             with CBC suites: this client speaks TLS 1.3, or 1.2 with AEAD suites."
        ),
        Kind::TokenUnavailable if is_workload(circumstances) => "Entra's token endpoint gave no \
             token: check that AZURE_AUTHORITY_HOST can be reached from the pod, that no proxy \
             opens its TLS, and the rules for outgoing traffic."
            .into(),
        Kind::TokenUnavailable => "The identity endpoint gave no token. It often starts after the \
             app: wait a minute, then restart the replica. Until then an access key in \
             REDIS_ACCESS_KEY serves as the fallback."
            .into(),
        Kind::TokenRejected if is_workload(circumstances) => "Entra does not know this service \
             account for that client: check AZURE_CLIENT_ID and AZURE_TENANT_ID, and federate \
             them: az identity federated-credential create --name cache-health --identity-name \
             \"$IDENTITY_NAME\" --resource-group \"$RG\" --issuer \"$OIDC_ISSUER\" --subject \
             system:serviceaccount:\"$NAMESPACE\":\"$SERVICE_ACCOUNT\" --audiences \
             api://AzureADTokenExchange"
            .into(),
        Kind::TokenRejected if circumstances.ended_ago.is_some() => "The clocks differ: a token that \
             was only just issued has ended by this machine's. Set the machine's clock (time \
             synchronisation of the node or host; a suspended machine comes back late), and compare \
             it with the Date header of any HTTPS answer."
            .into(),
        Kind::TokenRejected if circumstances.no_such_identity => {
            "No such identity is assigned to the app. With only a user-assigned identity set \
             AZURE_CLIENT_ID to its client id. For the system-assigned one: az containerapp \
             identity assign --name \"$APP_NAME\" --resource-group \"$RG\" --system-assigned"
                .into()
        }
        Kind::TokenRejected => "The identity endpoint answered, but not with a token that can be \
             used: check IDENTITY_ENDPOINT, AZURE_CLIENT_ID and the identity's assignment."
            .into(),
        Kind::AuthRejected => auth_rejected(service, circumstances),
        Kind::AuthRequired => "Redis took the connection for unauthenticated: its users were \
             changed while it was open, or access keys were switched off. Check the cache's \
             authentication settings."
            .into(),
        Kind::PermissionDenied => permission_denied(service, circumstances, key),
        Kind::Loading => "Redis is loading its data after a restart or failover. Wait; if it \
             lasts, check the cache's memory and server load."
            .into(),
        Kind::ReadOnly => format!(
            "A replica answered: a failover is under way, or REDIS_HOST points at a geo-replica. \
             Use the primary's host name. {}",
            show(service, "hostName")
        ),
        Kind::OutOfMemory => "The cache's memory is full and its policy evicts nothing: scale up, \
             or set maxmemory-policy to allkeys-lru."
            .into(),
        Kind::Moved => format!(
            "The cache is clustered, the key lives on another node, and that node could not be \
             used: let the network reach its port (85xx on Azure Managed Redis, 150xx on Azure \
             Cache for Redis). A plain client fails here: use a cluster client, or the Enterprise \
             clustering policy. {}",
            show(service, "hostName")
        ),
        Kind::ServerError => "Redis answered with an error of its own: look its code up in the \
             cache's resource health and metrics."
            .into(),
        Kind::Mismatch => format!(
            "Somebody else writes the key: set REDIS_HEALTH_KEY to one of the probe's own in \
             place of `{key}`."
        ),
        Kind::Closed => "The connection was ended from the other side: maintenance, a restart, a \
             firewall, or `maxclients`. Check the cache's connected clients and planned \
             maintenance."
            .into(),
        Kind::Timeout => timeout(circumstances.step, port),
        Kind::Stale => {
            "The probe itself stopped sampling: look at its log and its CPU limit, then \
             restart it."
                .into()
        }
        Kind::Protocol => format!(
            "What answers on port {port} speaks TLS but not Redis: check REDIS_HOST and REDIS_PORT."
        ),
        Kind::Internal => "A fault of cache-health itself: please report it with the log.".into(),
        Kind::Fallback => "Entra should be what is used: mend it, or set REDIS_AUTH=access-key to \
             say that the key is meant."
            .into(),
        Kind::SecondaryKey => "The primary key no longer works: set REDIS_ACCESS_KEY to the \
             current one and restart the app to take it over."
            .into(),
        Kind::TokenExpiring => "The token still works, but renewing it fails: mend the identity \
             endpoint before it ends."
            .into(),
        Kind::CertificateExpiring => "Azure renews its certificates by itself. For a private CA, \
             renew the server's certificate."
            .into(),
    };
    text.trim_end().to_owned()
}

/// Whether it is about a workload identity of Kubernetes.
fn is_workload(circumstances: Circumstances<'_>) -> bool {
    circumstances.label == Some(WORKLOAD_IDENTITY)
}

fn auth_rejected(service: Service<'_>, circumstances: Circumstances<'_>) -> String {
    if circumstances.method == Some(AuthMethod::AccessKey) {
        let list = match service {
            Service::CacheForRedis(name) => {
                format!("az redis list-keys --name {name} --resource-group \"$RG\"")
            }
            Service::ManagedRedis(name) => format!(
                "az redisenterprise database list-keys --cluster-name {name} --resource-group \"$RG\""
            ),
            Service::Unknown => "compare it with the server's".into(),
        };
        return format!(
            "The key was rotated, or access keys are switched off. Take the current one ({list}), \
             or use Entra."
        );
    }
    format!(
        "Give the identity access (it takes a few minutes to work, and Entra authentication must be \
         switched on): {}",
        assign(service, circumstances.principal)
    )
}

fn permission_denied(service: Service<'_>, circumstances: Circumstances<'_>, key: &str) -> String {
    let why = match circumstances.step {
        Some(Step::Set) => "Data Reader cannot SET: it needs Data Contributor, or",
        _ => "Its access policy lacks the command or the key: it needs Data Contributor, or",
    };
    let who = circumstances.principal.unwrap_or("$PRINCIPAL_ID");
    let cure = match service {
        // It has an assignment, or Redis would have refused it, and Azure allows one per identity.
        Service::CacheForRedis(name) => format!(
            "an identity has one assignment per cache, so find its name and update it: az redis \
             access-policy-assignment list --name {name} --resource-group \"$RG\" --query \
             \"[?objectId=='{who}']\", then az redis access-policy-assignment update --name {name} \
             --resource-group \"$RG\" --policy-assignment-name \"$ASSIGNMENT\" --access-policy-name \
             \"Data Contributor\" --object-id \"{who}\" --object-id-alias \"{who}\""
        ),
        Service::ManagedRedis(name) => format!(
            "find its assignment and update it: az redisenterprise database access-policy-assignment \
             list --cluster-name {name} --resource-group \"$RG\" --database-name default --query \
             \"[?user.objectId=='{who}']\", then az redisenterprise database access-policy-assignment \
             update --cluster-name {name} --resource-group \"$RG\" --database-name default \
             --access-policy-assignment-name \"$ASSIGNMENT\" --access-policy-name default --object-id \
             \"{who}\""
        ),
        Service::Unknown => format!("change the rules of user {who} in the server's ACL"),
    };
    format!("{why} a custom policy with `+set +get +ping ~{key}`; {cure}")
}

/// The command that assigns the least of the built-in policies that suffices.
fn assign(service: Service<'_>, principal: Option<&str>) -> String {
    // An assignment is named after its identity: one of the same name would be replaced, and with it
    // another app's access.
    let name_of = principal.unwrap_or("$PRINCIPAL_ID");
    match service {
        Service::CacheForRedis(name) => format!(
            "az redis access-policy-assignment create --name {name} --resource-group \"$RG\" \
             --policy-assignment-name \"cache-health-{name_of}\" --access-policy-name \
             \"Data Contributor\" --object-id \"{name_of}\" --object-id-alias \"{name_of}\""
        ),
        Service::ManagedRedis(name) => {
            // Letters and digits only.
            let letters = match principal {
                Some(principal) => principal.replace('-', ""),
                None => "${PRINCIPAL_ID//-/}".to_owned(),
            };
            format!(
                "az redisenterprise database access-policy-assignment create --cluster-name {name} \
                 --resource-group \"$RG\" --database-name default \
                 --access-policy-assignment-name \"cachehealth{letters}\" --access-policy-name \
                 default --object-id \"{name_of}\""
            )
        }
        Service::Unknown => format!("add user {name_of} to the server's ACL"),
    }
}

fn timeout(step: Option<Step>, port: u16) -> String {
    match step {
        Some(Step::Dns) => "The name server does not answer: check the virtual network's DNS \
             settings."
            .into(),
        Some(Step::Tcp | Step::Connect) => format!(
            "Nothing answers on port {port}: a firewall, a network security group or a missing \
             private endpoint drops the packets, or the server is down."
        ),
        Some(Step::Tls) => format!(
            "The server took the connection and was silent after our ClientHello: is {port} a \
             plaintext port, or the server hung?"
        ),
        Some(Step::Auth) => "Azure can take ten seconds to validate an Entra token: raise \
             CACHE_HEALTH_TIMEOUT, and check the server load."
            .into(),
        _ => "Redis has stopped answering: check its server load, memory and maintenance; raise \
              CACHE_HEALTH_TIMEOUT if it is only slow."
            .into(),
    }
}

fn show(service: Service<'_>, query: &str) -> String {
    match service {
        Service::CacheForRedis(name) => {
            format!("az redis show --name {name} --resource-group \"$RG\" --query {query}")
        }
        Service::ManagedRedis(name) => format!(
            "az redisenterprise show --cluster-name {name} --resource-group \"$RG\" --query {query}"
        ),
        Service::Unknown => String::new(),
    }
}

#[cfg(test)]
mod tests;
