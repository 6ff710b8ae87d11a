//! Settings that cannot be used, and hosts that do not allow what is configured.

use crate::{Case, Spelling};
use cache_health_report::Kind;

/// What to do.
pub fn remedy(case: &Case<'_>) -> String {
    if case.kind == Kind::NotAllowed {
        return not_allowed(case);
    }
    if case.is("identity.problem", "no-endpoint") {
        return "Give it a credential: an identity of the app's platform (Container Apps, App Service and Kubernetes set the \
                variables themselves), AZURE_CLIENT_ID with AZURE_TENANT_ID and AZURE_CLIENT_SECRET, or an access key in \
                REDIS_ACCESS_KEY; docs/reference/configuration.md has all of them. On a laptop: az login"
            .into();
    }
    match case.value("config.shape") {
        Some(shape) => shape_of(shape).into(),
        None => {
            "Correct $VARIABLE; docs/reference/configuration.md has a table of variables.".into()
        }
    }
}

/// By the shape of a value that was pasted into the wrong place.
fn shape_of(shape: &str) -> &'static str {
    match shape {
        "key-vault-reference" => {
            "The Key Vault reference was not resolved: the platform passes it on as it stands. In Container Apps make it a \
             secret of the app (keyvaultref:…, identityref:…) and refer to that with secretRef; in App Service check that \
             the app's identity may read the secret (Key Vault Secrets User) and that the secret exists."
        }
        "connection-string" => {
            "That is a connection string, and not a key alone: take the part after password= for the key, or set \
             REDIS_CONNECTION_STRING to the whole of it."
        }
        "url" => {
            "That is a URL: the host name goes into REDIS_HOST, the port into REDIS_PORT, the password into REDIS_ACCESS_KEY."
        }
        "template" => {
            "A template was not filled in: the tool that should have put the value there did not run, or knows the variable \
             by another name."
        }
        _ => "Correct $VARIABLE; docs/reference/configuration.md has a table of variables.",
    }
}

fn not_allowed(case: &Case<'_>) -> String {
    match (case.value("policy"), case.spelling) {
        (Some("connection-limit"), _) => {
            "More connections are asked for than the host allows: wait, and look at who asks. On Spin raise the limit of \
             Redis connections in the runtime configuration."
                .into()
        }
        (Some(policy), Spelling::Environment) if policy.starts_with("CACHE_HEALTH_") => format!(
            "More is asked for than {policy} allows: look at who asks, or raise it."
        ),
        (_, Spelling::Spin) => {
            "Add the address to the component's allowed_outbound_hosts in spin.toml: \
             \"rediss://$REDIS_HOST:$REDIS_PORT\". A dependency has what it inherits: inherit_configuration = \
             [\"allowed_outbound_hosts\", \"variables\"]. block_networks in the runtime configuration forbids private \
             addresses, and with them private endpoints."
                .into()
        }
        _ => "Allow the host to connect to $REDIS_HOST:$REDIS_PORT.".into(),
    }
}
