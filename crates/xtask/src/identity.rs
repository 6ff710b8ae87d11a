//! `cargo xtask identity`: a developer's own `az login` as the managed identity endpoint, so that a
//! real cache can be checked from here with Entra.
//!
//! Loopback only, and only for who knows the header, as in Container Apps: whoever knows it gets
//! tokens in the developer's name.

use crate::shell::say;
use anyhow::{Context as _, Result, bail};
use cache_health_local_azure::identity::{Behaviour, IdentityEndpoint};
use cache_health_local_azure::token;
use clap::Args;
use signal_hook::consts::{SIGINT, SIGTERM};
use std::process::{Command, ExitCode, Stdio};

/// The resource that tokens for Azure Redis are for.
const RESOURCE: &str = "https://redis.azure.com";

/// The arguments of `identity`.
#[derive(Args)]
pub struct IdentityArgs {
    /// The port on loopback; any free one unless given.
    #[arg(long, default_value_t = 0)]
    port: u16,
}

/// Serves until somebody wants to leave.
pub fn identity(args: &IdentityArgs) -> Result<ExitCode> {
    // At once, so that who is not logged in hears it here and not from a verdict.
    let first = access_token().context("no token; is `az login` done?")?;
    let principal = token::object_id_of(&first.text).context("az's token has no oid claim")?;
    let endpoint = IdentityEndpoint::start_on(
        args.port,
        Behaviour::made(|| match access_token() {
            Ok(token) => (200, answer(&token)),
            Err(error) => {
                say(&format!("{error:#}"));
                (
                    500,
                    r#"{"statusCode":500,"message":"az failed"}"#.to_owned(),
                )
            }
        }),
    )
    .context("cannot listen on loopback")?;
    let (url, header) = (endpoint.url(), &endpoint.header);
    say(&format!(
        "tokens of {principal}, who needs access to the cache's data (Data Contributor)"
    ));
    println!("# For cache-health itself:");
    println!("export IDENTITY_ENDPOINT='{url}' IDENTITY_HEADER='{header}'");
    println!("# For `spin up`:");
    println!(
        "export SPIN_VARIABLE_IDENTITY_ENDPOINT='{url}' SPIN_VARIABLE_IDENTITY_HEADER='{header}'"
    );
    say("Ctrl-C ends it");
    signal_hook::iterator::Signals::new([SIGINT, SIGTERM])?
        .forever()
        .next();
    Ok(ExitCode::SUCCESS)
}

/// What `az` hands out. It keeps tokens itself and renews them in time.
struct AccessToken {
    text: String,
    /// In seconds since 1970-01-01T00:00:00Z; az before 2.54 does not say.
    expires_on: Option<i64>,
}

fn access_token() -> Result<AccessToken> {
    let output = Command::new("az")
        .args(["account", "get-access-token", "--resource", RESOURCE])
        .args(["--output", "json"])
        // What goes wrong is az's to explain.
        .stderr(Stdio::inherit())
        .output()
        .context("az cannot be run: install the Azure CLI")?;
    if !output.status.success() {
        bail!("az account get-access-token failed ({})", output.status);
    }
    let value: serde_json::Value = serde_json::from_slice(&output.stdout)
        .ok()
        .context("az did not answer with JSON")?;
    let text = value.get("accessToken").and_then(|text| text.as_str());
    Ok(AccessToken {
        text: text.context("az's answer has no accessToken")?.to_owned(),
        expires_on: value.get("expires_on").and_then(serde_json::Value::as_i64),
    })
}

/// The token as the managed identity endpoint would hand it out.
fn answer(token: &AccessToken) -> String {
    let mut answer = serde_json::json!({
        "access_token": token.text,
        "resource": RESOURCE,
        "token_type": "Bearer",
    });
    if let Some(expires_on) = token.expires_on {
        answer["expires_on"] = expires_on.to_string().into();
    }
    answer.to_string()
}
