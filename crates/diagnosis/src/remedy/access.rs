//! Credentials that Redis refuses, and rights that are lacking.

use crate::{Case, Service};
use cache_health_report::{AuthMethod, Kind, Step};

/// What to do.
pub fn remedy(case: &Case<'_>) -> String {
    match case.kind {
        Kind::AuthRejected if case.method == Some(AuthMethod::AccessKey) => key_rejected(case),
        Kind::AuthRejected => format!(
            "Give the identity access (it takes a few minutes to work, and Entra authentication must be switched on): {}",
            assign(case.service())
        ),
        Kind::AuthRequired => "Redis took the connection for unauthenticated: its users were changed while it was open, or \
             access keys were switched off. Check the cache's authentication settings."
            .into(),
        Kind::PermissionDenied => permission_denied(case),
        Kind::SecondaryKey => "The primary key no longer works: set REDIS_ACCESS_KEY to the current one and restart the app to \
             take it over."
            .into(),
        _ => "Entra should be what is used: mend it, or set REDIS_AUTH=access-key to say that the key is meant.".into(),
    }
}

/// By the shape of the key: people paste many things where a key is meant, and regenerate a good one.
fn key_rejected(case: &Case<'_>) -> String {
    let list = match case.service() {
        Service::CacheForRedis(_) => {
            "az redis list-keys --name $REDIS_NAME --resource-group \"$RG\""
        }
        Service::ManagedRedis(_) | Service::Enterprise(_) => {
            "az redisenterprise database list-keys --cluster-name $REDIS_NAME --resource-group \"$RG\""
        }
        Service::Unknown => "compare it with the server's",
    };
    let current = format!("Take the current one ({list}), or use Entra.");
    let shape = match case.value("key.shape") {
        Some("quoted") => {
            "The key has quotation marks around it, which are not part of it: docker run --env-file and Kubernetes keep the \
             quotes that a shell would take away."
        }
        Some("percent-encoded") => {
            "The key is percent-encoded (%3D for =), as it would stand in a URL: it has to be decoded."
        }
        Some("base64") => {
            "The key looks encoded twice in base64, as Kubernetes' secrets are when data is given what stringData is for: decode it once."
        }
        Some("connection-string") => {
            "That is a connection string, and not a key alone: take the part after password= for the key."
        }
        Some("key-vault-reference") => {
            "The Key Vault reference was not resolved: the platform passes it on as it stands."
        }
        Some("host") => "That looks like a host name or a URL, and not like a key.",
        Some("guid") => {
            "That looks like the id of something, and not like a key: a key ends with =."
        }
        Some("masked") => {
            "The key consists of stars or dots: it was copied from where it is hidden."
        }
        Some("template") => {
            "A template was not filled in: the tool that should have put the key there did not run."
        }
        Some("truncated") => {
            "The key is shorter than Azure's are (44 characters): a part was lost, at a comma or a line's end."
        }
        Some("white-space") => {
            "The key has white space inside: two values were pasted, or a line was broken."
        }
        Some("token") => {
            "That is an access token, and not a key: a token belongs to an identity, which cache-health asks for one itself."
        }
        _ => return format!("The key was rotated, or access keys are switched off. {current}"),
    };
    format!("{shape} {current}")
}

fn permission_denied(case: &Case<'_>) -> String {
    let why = match case.step {
        Some(Step::Set) => "Data Reader cannot SET: it needs Data Contributor, or",
        _ => "Its access policy lacks the command or the key: it needs Data Contributor, or",
    };
    // It has an assignment, or Redis would have refused it, and Azure allows one per identity.
    let cure = match case.service() {
        Service::CacheForRedis(_) => {
            "an identity has one assignment per cache, so find its name and update it: az redis access-policy-assignment list \
             --name $REDIS_NAME --resource-group \"$RG\" --query \"[?objectId=='$PRINCIPAL_ID']\", then az redis \
             access-policy-assignment update --name $REDIS_NAME --resource-group \"$RG\" --policy-assignment-name \
             \"$ASSIGNMENT\" --access-policy-name \"Data Contributor\" --object-id \"$PRINCIPAL_ID\" --object-id-alias \
             \"$PRINCIPAL_ID\""
        }
        Service::ManagedRedis(_) | Service::Enterprise(_) => {
            "find its assignment and update it: az redisenterprise database access-policy-assignment list --cluster-name \
             $REDIS_NAME --resource-group \"$RG\" --database-name default --query \"[?user.objectId=='$PRINCIPAL_ID']\", then az \
             redisenterprise database access-policy-assignment update --cluster-name $REDIS_NAME --resource-group \"$RG\" \
             --database-name default --access-policy-assignment-name \"$ASSIGNMENT\" --access-policy-name default --object-id \
             \"$PRINCIPAL_ID\""
        }
        Service::Unknown => "change the rules of the user in the server's ACL",
    };
    format!("{why} a custom policy with `+set +get +ping ~$REDIS_HEALTH_KEY`; {cure}")
}

/// The command that assigns the least of the built-in policies that suffices. The assignment is named after its
/// identity: one of the same name would be replaced, and with it another app's access.
fn assign(service: Service<'_>) -> &'static str {
    match service {
        Service::CacheForRedis(_) => {
            "az redis access-policy-assignment create --name $REDIS_NAME --resource-group \"$RG\" --policy-assignment-name \
             \"cache-health-$PRINCIPAL_ID\" --access-policy-name \"Data Contributor\" --object-id \"$PRINCIPAL_ID\" \
             --object-id-alias \"$PRINCIPAL_ID\""
        }
        Service::ManagedRedis(_) => {
            "az redisenterprise database access-policy-assignment create --cluster-name $REDIS_NAME --resource-group \"$RG\" \
             --database-name default --access-policy-assignment-name \"cachehealth${PRINCIPAL_ID//-/}\" --access-policy-name \
             default --object-id \"$PRINCIPAL_ID\""
        }
        Service::Enterprise(_) => {
            "the Enterprise tiers of Azure Cache for Redis have no Entra authentication: use an access key, or move to Azure \
             Managed Redis"
        }
        Service::Unknown => "add the user $PRINCIPAL_ID to the server's ACL",
    }
}
