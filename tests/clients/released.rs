//! Microsoft's clients as they are released, from PyPI and npm.

use crate::fixtures::{Azure, told, workspace};
use cache_health_local_azure::identity::{Behaviour, IdentityEndpoint, Platform};
use cache_health_local_azure::issuer::{Proof, Registration, TokenEndpoint};
use cache_health_local_azure::token;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

/// A script of `tests/clients/` in an environment of its own.
fn script(program: &str, file: &str) -> Command {
    let clients = told("CACHE_HEALTH_CLIENTS");
    let program = match program {
        "python" => format!("{clients}/venv/bin/python"),
        other => other.to_owned(),
    };
    let mut command = Command::new(program);
    command
        .arg(workspace().join("tests/clients").join(file))
        .env_clear()
        .env("PATH", std::env::var("PATH").unwrap_or_default())
        .env("CACHE_HEALTH_CLIENTS", clients);
    command
}

fn python(azure: &Azure, credential: &str) -> Command {
    let mut command = script("python", "azure_identity.py");
    command.arg(credential);
    in_container_apps(&mut command, azure);
    command
}

fn in_container_apps(command: &mut Command, azure: &Azure) {
    command
        .env("IDENTITY_ENDPOINT", azure.identity.url())
        .env("IDENTITY_HEADER", &azure.identity.header);
}

#[track_caller]
fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[test]
#[ignore = "needs azure-identity of PyPI: cargo xtask test"]
fn the_identity_endpoint_gives_its_token_to_azure_identity() {
    let azure = Azure::start();
    for credential in ["managed-identity", "default", "resource-id"] {
        let output = python(&azure, credential).output().expect("python");
        assert_eq!(printed(&output), azure.token.text, "{credential}");
    }
    // The twin: without the header there is no token.
    let output = python(&azure, "managed-identity")
        .env("IDENTITY_HEADER", "another")
        .output()
        .expect("python");
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("X-IDENTITY-HEADER is missing or wrong"),
        "{said}"
    );
}

#[test]
#[ignore = "needs azure-identity of npm: cargo xtask test"]
fn the_identity_endpoint_gives_its_token_to_the_client_in_javascript() {
    let azure = Azure::start();
    for credential in ["managed-identity", "default"] {
        let mut command = script("node", "azure_identity.mjs");
        in_container_apps(command.arg(credential), &azure);
        let output = command.output().expect("node");
        assert_eq!(printed(&output), azure.token.text, "{credential}");
    }
}

#[test]
#[ignore = "needs redis-entraid of PyPI: cargo xtask test"]
fn the_cache_takes_what_redis_entraid_was_given() {
    let azure = Azure::start();
    let output = python(&azure, "redis-entraid")
        .env("REDIS_PORT", azure.redis.port().to_string())
        .env("REDIS_CA_FILE", azure.redis.ca_file())
        .output()
        .expect("python");
    assert_eq!(printed(&output), "ok");
}

#[test]
#[ignore = "needs azure-identity of PyPI: cargo xtask test"]
fn a_virtual_machines_metadata_service_gives_its_token_to_azure_identity() {
    let azure = Azure::start();
    let behaviour = Behaviour::Token(azure.token.clone());
    let imds = IdentityEndpoint::start_as(0, Platform::Imds, behaviour).expect("an endpoint");
    let output = script("python", "azure_identity.py")
        .arg("managed-identity")
        .env(
            "AZURE_POD_IDENTITY_AUTHORITY_HOST",
            format!("http://127.0.0.1:{}", imds.port()),
        )
        .output()
        .expect("python");
    assert_eq!(printed(&output), azure.token.text);
}

/// What azure-identity gets for an application that is registered with this.
fn ask(azure: &Azure, credential: &str, proof: Proof, variable: &str, value: &Path) -> Output {
    let issued = azure.token.clone();
    let registration = Registration {
        tenant_id: token::object_id(),
        client_id: token::object_id(),
        proof,
        issue: Arc::new(move || issued.clone()),
    };
    let endpoint = TokenEndpoint::start(registration.clone(), &azure.chain).expect("an endpoint");
    script("python", "azure_identity.py")
        .arg(credential)
        .env("AZURE_TENANT_ID", &registration.tenant_id)
        .env("AZURE_CLIENT_ID", &registration.client_id)
        .env(variable, value)
        .env("AZURE_AUTHORITY_HOST", endpoint.authority())
        .env("REQUESTS_CA_BUNDLE", azure.redis.ca_file())
        .output()
        .expect("python")
}

#[test]
#[ignore = "needs azure-identity of PyPI: cargo xtask test"]
fn the_token_endpoint_exchanges_the_assertion_of_azure_identity() {
    const VARIABLE: &str = "AZURE_FEDERATED_TOKEN_FILE";
    let azure = Azure::start();
    let folder = tempfile::tempdir().expect("a folder");
    let (file, other) = (folder.path().join("token"), folder.path().join("other"));
    std::fs::write(&file, token::jwt("{}")).expect("written");
    std::fs::write(&other, token::jwt(r#"{"sub":"another"}"#)).expect("written");
    let ask = |with: &Path| {
        let proof = Proof::Assertion(file.clone());
        ask(&azure, "workload-identity", proof, VARIABLE, with)
    };
    assert_eq!(printed(&ask(&file)), azure.token.text);
    // The twin: another assertion than the registered one.
    let output = ask(&other);
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("AADSTS700213"), "{said}");
}

#[test]
#[ignore = "needs azure-identity of PyPI: cargo xtask test"]
fn the_token_endpoint_takes_the_secret_of_azure_identity() {
    let azure = Azure::start();
    let ask = |with: &str| {
        let proof = Proof::Secret("s8Q~right".to_owned());
        ask(
            &azure,
            "client-secret",
            proof,
            "AZURE_CLIENT_SECRET",
            Path::new(with),
        )
    };
    assert_eq!(printed(&ask("s8Q~right")), azure.token.text);
    let output = ask("wrong");
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("AADSTS7000215"), "{said}");
}

/// What needs more than the clients.
mod with_openssl {
    use super::*;
    use crate::fixtures::key_pair::KeyPair;

    #[test]
    #[ignore = "needs azure-identity of PyPI and openssl: cargo xtask test"]
    fn the_token_endpoint_verifies_the_assertion_that_azure_identity_signs() {
        const VARIABLE: &str = "AZURE_CLIENT_CERTIFICATE_PATH";
        let azure = Azure::start();
        let (pair, other) = (KeyPair::new(), KeyPair::new());
        let ask = |with: &KeyPair| {
            let proof = Proof::Certificate(pair.read("certificate.der"));
            let pem = with.pem(&["key.pem", "certificate.pem"]);
            ask(&azure, "certificate", proof, VARIABLE, &pem)
        };
        assert_eq!(printed(&ask(&pair)), azure.token.text);
        let output = ask(&other);
        assert!(!output.status.success());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("AADSTS700027"), "{said}");
    }
}

mod as_root {
    use super::*;

    #[test]
    #[ignore = "needs azure-identity of PyPI and root: cargo xtask test"]
    fn an_arc_agents_challenge_is_answered_by_azure_identity() {
        let azure = Azure::start();
        let folder = tempfile::tempdir().expect("a folder");
        let challenges = folder.path().join("azcmagent/tokens");
        std::fs::create_dir_all(&challenges).expect("made");
        let platform = Platform::Arc {
            challenges,
            named: "/var/opt/azcmagent/tokens".into(),
        };
        let behaviour = Behaviour::Token(azure.token.clone());
        let arc = IdentityEndpoint::start_as(0, platform, behaviour).expect("an endpoint");
        let python = script("python", "azure_identity.py");
        // The agent's folder is the real one, in a namespace of the client's own.
        let mount = r#"mount --bind "$0" /var/opt && exec "$@""#;
        let output = Command::new("unshare")
            .args(["--mount", "sh", "-c", mount])
            .arg(folder.path())
            .arg(python.get_program())
            .args(python.get_args())
            .arg("managed-identity")
            .env("IDENTITY_ENDPOINT", arc.url())
            .env("IMDS_ENDPOINT", "http://localhost:40342")
            .output()
            .expect("unshare");
        assert_eq!(printed(&output), azure.token.text);
    }
}
