//! `az` and `azd` on a laptop: fake programs that know their arguments.

use crate::fixtures::{Azure, Check};
use cache_health_local_azure::port;
use cache_health_report::{Kind, Step};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use tempfile::TempDir;

const AZ: &str = "account get-access-token --output json --resource https://redis.azure.com";
const AZD: &str = "auth token --output json --no-prompt --scope https://redis.azure.com/.default";

/// Puts a program into a folder that does this when it is called rightly, and fails otherwise.
fn program(folder: &Path, name: &str, arguments: &str, does: &str) {
    let file = folder.join(name);
    let script = format!("#!/bin/sh\n[ \"$*\" = \"{arguments}\" ] || exit 64\n{does}\n");
    std::fs::write(&file, script).expect("written");
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(file, executable).expect("allowed");
}

fn prints_a_token(azure: &Azure, member: &str) -> String {
    format!(
        r#"echo '{{"{member}":"{}","expiresOn":"2026-11-25 10:00:00.000000"}}'"#,
        azure.token.text
    )
}

/// A laptop with these programs on PATH, and no metadata service.
fn laptop(azure: &Azure, folder: &TempDir) -> Check {
    let nobody = port::any_free().expect("a port");
    azure
        .check()
        .env("PATH", format!("{}:/usr/bin:/bin", folder.path().display()))
        .env(
            "AZURE_POD_IDENTITY_AUTHORITY_HOST",
            format!("http://127.0.0.1:{nobody}"),
        )
}

#[test]
fn whoever_is_logged_in_with_az_passes_with_nothing_but_the_host_configured() {
    let (azure, folder) = (Azure::start(), tempfile::tempdir().expect("a folder"));
    program(
        folder.path(),
        "az",
        AZ,
        &prints_a_token(&azure, "accessToken"),
    );
    let verdict = laptop(&azure, &folder).run().passes().used("entra", None);
    assert_eq!(verdict.document.auth.expect("one").label, "azure-cli");
}

#[test]
fn azd_is_asked_where_az_gives_no_token() {
    let (azure, folder) = (Azure::start(), tempfile::tempdir().expect("a folder"));
    program(
        folder.path(),
        "az",
        AZ,
        "echo 'Please run az login' >&2; exit 1",
    );
    program(folder.path(), "azd", AZD, &prints_a_token(&azure, "token"));
    let verdict = laptop(&azure, &folder).run().warns(Kind::TokenUnavailable);
    assert_eq!(
        verdict.document.auth.expect("one").label,
        "azure-developer-cli"
    );
}

#[test]
fn nobody_logged_in_is_told_to_log_in() {
    let (azure, folder) = (Azure::start(), tempfile::tempdir().expect("a folder"));
    let says =
        "echo 'ERROR: AADSTS70043: The refresh token of me@example.org has expired' >&2; exit 1";
    program(folder.path(), "az", AZ, says);
    let verdict = laptop(&azure, &folder).secret("me@example.org").run();
    let verdict = verdict.fails(Kind::TokenUnavailable, Step::Token);
    let failure = verdict
        .saw("identity.code", "AADSTS70043")
        .document
        .failure
        .expect("a failure");
    assert!(failure.remedy.ends_with("az login"), "{failure:?}");
}

#[test]
fn a_tool_that_hangs_ends_with_the_check() {
    let (azure, folder) = (Azure::start(), tempfile::tempdir().expect("a folder"));
    program(folder.path(), "az", AZ, "exec sleep 600");
    let check = laptop(&azure, &folder).env("CACHE_HEALTH_TIMEOUT", "2s");
    let verdict = check.run().fails(Kind::TokenUnavailable, Step::Token);
    assert!(
        verdict.took < std::time::Duration::from_secs(6),
        "{:?}",
        verdict.took
    );
}

#[test]
fn a_tool_is_not_run_where_a_key_is_configured_or_prod_is_asked_for() {
    let (azure, folder) = (Azure::start(), tempfile::tempdir().expect("a folder"));
    let marker = folder.path().join("it-ran");
    program(
        folder.path(),
        "az",
        AZ,
        &format!("touch {}", marker.display()),
    );
    let key = laptop(&azure, &folder).env("REDIS_ACCESS_KEY", &azure.access_key);
    key.run().warns(Kind::Fallback);
    let prod = laptop(&azure, &folder).env("AZURE_TOKEN_CREDENTIALS", "prod");
    let (output, _) = prod.output(&["check"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(!marker.exists());
}
