//! Tokens that were not had.

use crate::Case;
use crate::remedy::entra;
use cache_health_report::Kind;

/// What to do.
pub fn remedy(case: &Case<'_>) -> String {
    let problem = case.value("identity.problem");
    match case.kind {
        Kind::TokenExpiring => {
            "The token still works, but renewing it fails: mend the identity endpoint before it ends.".into()
        }
        _ if problem == Some("expired") => {
            "The clocks differ: a token that was only just issued has ended by this machine's. Set the machine's clock (time \
             synchronisation of the node or host; a suspended machine comes back late), and compare it with the Date header \
             of any HTTPS answer."
                .into()
        }
        _ if problem == Some("not-allowed") => {
            not_allowed(case)
        }
        _ if is_tool(case) => tool(case),
        _ if case.is("identity.platform", "arc") && case.value("identity.status").is_none() => {
            arc(problem)
        }
        _ => match case.value("identity.code") {
            Some(code) => entra::remedy(code, case),
            None if is_managed(case) => managed(case),
            None => token_endpoint(case),
        },
    }
}

/// By the host's own policy.
fn not_allowed(case: &Case<'_>) -> String {
    match case.value("policy") {
        Some("block_networks") => {
            "The runtime configuration's block_networks forbids the address of the identity endpoint, which is a private one: \
             leave \"private\" out of it."
                .into()
        }
        Some("inherit_configuration") => super::configuration::INHERIT.into(),
        Some("connection-limit") => {
            "More requests go out than the host allows: raise max_connections of [outbound_http] in the runtime configuration."
                .into()
        }
        _ => {
            "The host does not allow the request to the identity endpoint. On Spin add it to allowed_outbound_hosts in \
             spin.toml: \"http://localhost:*\" and \"http://127.0.0.1:*\" for a managed identity, \
             \"https://login.microsoftonline.com\" for a service principal."
                .into()
        }
    }
}

fn is_tool(case: &Case<'_>) -> bool {
    matches!(case.label, Some("azure-cli" | "azure-developer-cli"))
}

fn tool(case: &Case<'_>) -> String {
    let login = match case.label {
        Some("azure-cli") => "az login",
        _ => "azd auth login",
    };
    match case.value("identity.problem") {
        Some("timeout") => format!(
            "It takes seconds, and longer the first time: try again, or set CACHE_HEALTH_TIMEOUT to 30s. If it lasts: {login}"
        ),
        _ => format!(
            "Log in, to the tenant of the cache; whoever is logged in needs access to its data (Data Contributor). In a container \
             or a pipeline set AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_CLIENT_SECRET instead. On a laptop: {login}"
        ),
    }
}

fn arc(problem: Option<&str>) -> String {
    match problem {
        Some("challenge") => "What answers at IDENTITY_ENDPOINT is not Azure Arc's agent: the file that it wants read is none of \
             the agent's (/var/opt/azcmagent/tokens). Use the values that the agent sets."
            .into(),
        Some("unreachable" | "timeout") => "Azure Arc's agent does not answer: check that it runs on this server (azcmagent show, and the \
             service himds), or unset IDENTITY_ENDPOINT and IMDS_ENDPOINT where they are left over."
            .into(),
        Some("challenge-unreadable") => "The process may not read the agent's challenges in /var/opt/azcmagent/tokens: add its user to the \
             group himds."
            .into(),
        _ => "Azure Arc's agent gave no token: see what it logs (azcmagent logs), and that the server is connected.".into(),
    }
}

/// Whether the token comes from an endpoint of the platform's, rather than from Entra itself.
pub fn is_managed(case: &Case<'_>) -> bool {
    matches!(case.label, None | Some("managed-identity"))
}

fn managed(case: &Case<'_>) -> String {
    let status: Option<u16> = case.seen.number("identity.status");
    match (case.kind, status) {
        (Kind::TokenRejected, Some(400)) => no_such_identity(case),
        (Kind::TokenRejected, Some(401 | 403)) => {
            "The identity endpoint does not take IDENTITY_HEADER: it is a new one after each restart of the replica, so use the \
             one that the platform sets, and copy neither variable into the app's own settings."
                .into()
        }
        (Kind::TokenRejected, Some(404)) => {
            "There is no identity endpoint at the path of IDENTITY_ENDPOINT: use the value that the platform sets.".into()
        }
        (Kind::TokenRejected, _) => {
            "The identity endpoint answered, but not with a token that can be used: check IDENTITY_ENDPOINT, AZURE_CLIENT_ID and \
             the identity's assignment."
                .into()
        }
        (_, Some(429)) => {
            "The identity endpoint limits requests: wait. Every container of the replica shares its limit, so look at who asks \
             too often."
                .into()
        }
        (_, Some(500..)) => {
            "The identity endpoint failed, for one of three reasons that its answer does not tell apart. It starts after the \
             app: wait a minute, then restart the replica. Or the platform has an outage: look at Azure's status, and give \
             support the correlation id in the evidence. Or its way to Entra is blocked: with a firewall or a route of one's \
             own, allow login.microsoftonline.com, *.identity.azure.net and *.login.microsoft.com. Until then an access key \
             in REDIS_ACCESS_KEY serves as the fallback."
                .into()
        }
        _ if case.is("identity.problem", "not-a-token") => {
            "Something other than an identity endpoint answers at IDENTITY_ENDPOINT, a proxy or a gateway: use the value that the \
             platform sets, and keep localhost and 169.254.169.254 out of proxies (NO_PROXY)."
                .into()
        }
        _ => {
            "The identity endpoint gave no token. It often starts after the app: wait a minute, then restart the replica. Until \
             then an access key in REDIS_ACCESS_KEY serves as the fallback."
                .into()
        }
    }
}

fn no_such_identity(case: &Case<'_>) -> String {
    if case.is("identity.platform", "imds") && case.value("identity.asked").is_none() {
        return "The machine has no identity, or several and none is named: assign one to the virtual machine, scale set or container \
                group, and name a user-assigned one in AZURE_CLIENT_ID."
            .into();
    }
    if let Some(asked @ ("resource_id" | "object_id")) = case.value("identity.asked") {
        let variable = match asked {
            "resource_id" => "AZURE_RESOURCE_ID",
            _ => "AZURE_OBJECT_ID",
        };
        return format!(
            "{variable} names an identity that is not assigned here: correct it, assign the identity to the app or machine, or \
             unset it for the system-assigned one."
        );
    }
    if case.value("identity.asked").is_some() {
        return "AZURE_CLIENT_ID names an identity that the app does not have: correct it to the client id of a user-assigned \
                identity that is assigned to the app, or unset it for the system-assigned one. Other tools set that variable, \
                too: it may be left over, or belong to an app registration."
            .into();
    }
    "No system-assigned identity is assigned to the app. With only a user-assigned identity set AZURE_CLIENT_ID to its client \
     id. For the system-assigned one: az containerapp identity assign --name \"$APP_NAME\" --resource-group \"$RG\" \
     --system-assigned"
        .into()
}

fn token_endpoint(case: &Case<'_>) -> String {
    match case.value("identity.problem") {
        Some("unreachable" | "timeout" | "proxy") if case.value("identity.proxy").is_some() => {
            "The way to Entra leads through HTTPS_PROXY: check that the proxy answers, takes the credentials in it, and lets \
             AZURE_AUTHORITY_HOST (login.microsoftonline.com, port 443) through; or name that host in NO_PROXY, if the direct way \
             is open."
                .into()
        }
        _ if case.kind == Kind::TokenRejected => "Entra refused, and gave no reason that could be read: check AZURE_TENANT_ID, \
             AZURE_CLIENT_ID and AZURE_AUTHORITY_HOST, and that no proxy answers in Entra's place."
            .into(),
        _ => "Entra's token endpoint gave no token: check that AZURE_AUTHORITY_HOST can be reached from the pod, that no proxy \
              opens its TLS, and the rules for outgoing traffic."
            .into(),
    }
}
