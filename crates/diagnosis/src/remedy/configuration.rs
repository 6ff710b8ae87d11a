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
        "not-inherited" => {
            "No variable reaches this component. A dependency or middleware has what its manifest says that it inherits: \
             inherit_configuration = [\"allowed_outbound_hosts\", \"variables\"] (a misspelt name in that list is passed over in \
             silence), and the component that it belongs to declares them: [component.NAME.variables] with redis_host and \
             a credential."
        }
        "provider-failed" => {
            "The store of Spin's variables is down, or answers with an error for what it does not hold, as Azure Key Vault does. \
             Let the manifest ask it only for what it holds, under a name that it takes (a vault's has no _): \
             redis_access_key = \"{{ rediskey }}\"; and write the other values out (docs/spin.md)."
        }
        "template" => {
            "A template was not filled in: the tool that should have put the value there did not run, or knows the variable \
             by another name."
        }
        _ => "Correct $VARIABLE; docs/reference/configuration.md has a table of variables.",
    }
}

/// A dependency that may not do what the component may that it belongs to.
pub const INHERIT: &str = "A dependency or middleware of Spin has what its manifest says that it inherits: \
    inherit_configuration = [\"allowed_outbound_hosts\", \"variables\"]. A misspelt name in that list is passed over in silence.";

fn not_allowed(case: &Case<'_>) -> String {
    match (case.value("policy"), case.spelling) {
        (Some("connection-limit"), _) => {
            "More connections are asked for than the host allows: wait, and look at who asks. On Spin raise max_connections of \
             [outbound_redis] or max_total_connections of [outbound_networking] in the runtime configuration."
                .into()
        }
        (Some(policy), spelling) if policy.starts_with("CACHE_HEALTH_") => {
            let policy = match spelling {
                Spelling::Environment => policy.to_owned(),
                Spelling::Spin => policy.to_ascii_lowercase(),
            };
            format!("More is asked for than {policy} allows: look at who asks, or raise it.")
        }
        (Some("inherit_configuration"), _) => INHERIT.into(),
        (_, Spelling::Spin) => {
            "Add the address to the component's allowed_outbound_hosts in spin.toml: \
             \"rediss://$REDIS_HOST:$REDIS_PORT\". A dependency has those of the component that it belongs to, where it \
             inherits them."
                .into()
        }
        _ => "Allow the host to connect to $REDIS_HOST:$REDIS_PORT.".into(),
    }
}
