//! Managed identities of virtual machines and of Arc servers, and user-assigned ones.

use crate::fixtures::{Azure, Check, HOUR};
use cache_health_local_azure::identity::{Behaviour, IdentityEndpoint, Platform};
use cache_health_local_azure::port;
use cache_health_report::{Kind, Status, Step};
use std::time::{Duration, Instant};

/// A machine whose metadata service is here in place of 169.254.169.254.
struct Machine {
    azure: Azure,
    imds: IdentityEndpoint,
}

impl Machine {
    fn start() -> Self {
        let azure = Azure::start();
        let behaviour = Behaviour::Token(azure.token.clone());
        let imds = IdentityEndpoint::start_as(0, Platform::Imds, behaviour).expect("an endpoint");
        Self { azure, imds }
    }

    /// Nothing else is configured.
    fn check(&self) -> Check {
        at(self.azure.check(), self.imds.port())
    }
}

fn at(check: Check, port: u16) -> Check {
    let authority = format!("http://127.0.0.1:{port}");
    check.env("AZURE_POD_IDENTITY_AUTHORITY_HOST", authority)
}

#[test]
fn a_virtual_machine_passes_with_nothing_but_the_host_configured() {
    let machine = Machine::start();
    let verdict = machine.check().run().passes().used("entra", None);
    assert_eq!(
        verdict.document.auth.expect("one").label,
        "managed-identity"
    );
    assert_eq!(machine.imds.requests(), 1);
}

#[test]
fn the_metadata_service_is_not_asked_where_anything_else_is_configured() {
    let machine = Machine::start();
    let with_key = || {
        machine
            .check()
            .env("REDIS_ACCESS_KEY", &machine.azure.access_key)
    };
    with_key().run().warns(Kind::Fallback);
    assert_eq!(machine.imds.requests(), 0);
    // Unless it is asked for by name.
    let by_name = with_key().env("AZURE_TOKEN_CREDENTIALS", "ManagedIdentityCredential");
    by_name.run().passes().used("entra", None);
    assert_eq!(machine.imds.requests(), 1);
}

#[test]
fn where_there_is_no_metadata_service_the_configuration_is_at_fault() {
    let azure = Azure::start();
    let nobody = port::any_free().expect("a port");
    let (output, took) = at(azure.check(), nobody).output(&["check", "--format", "json"]);
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("REDIS_ACCESS_KEY is not set"), "{text}");
    assert!(text.contains("az login"), "{text}");
    assert!(took < Duration::from_secs(4), "{took:?}");
}

#[test]
fn an_identity_is_named_as_the_platform_wants_it() {
    let machine = Machine::start();
    let resource = "/subscriptions/s/resourceGroups/g/providers/p/userAssignedIdentities/i";
    for (name, value) in [
        ("AZURE_CLIENT_ID", "2cd00000-0000-0000-0000-000000000002"),
        ("AZURE_RESOURCE_ID", resource),
        ("AZURE_OBJECT_ID", "8a1f0000-0000-0000-0000-000000000001"),
    ] {
        machine.check().env(name, value).run().passes();
        let app = machine.azure.check_entra().env(name, value);
        app.run().passes();
        // The twin: one that is not assigned there.
        machine.azure.identity.behave(Behaviour::status(400));
        let verdict = machine.azure.check_entra().env(name, value).run();
        let verdict = verdict.fails(Kind::TokenRejected, Step::Token);
        let remedy = verdict.document.failure.expect("a failure").remedy;
        assert!(remedy.contains(name), "{remedy}");
        let token = Behaviour::Token(machine.azure.token.clone());
        machine.azure.identity.behave(token);
    }
}

#[test]
fn a_machine_recovers_from_an_outage_of_its_metadata_service() {
    let machine = Machine::start();
    machine.imds.behave(Behaviour::status(503));
    let server = machine
        .check()
        .env("CACHE_HEALTH_INTERVAL", "200ms")
        .env("CACHE_HEALTH_TIMEOUT", "1s")
        .serve();
    server.wait_for_status("/healthz?fresh=1", 503);
    let (status, kinds) = server.get("/healthz?fresh=1").verdict();
    assert_eq!(
        (status, kinds.as_slice()),
        (Status::Fail, &[Kind::TokenUnavailable][..])
    );
    machine
        .imds
        .behave(Behaviour::Token(machine.azure.token.clone()));
    server.wait_for_status("/healthz?fresh=1", 200);
}

#[test]
fn a_machines_token_is_renewed_without_a_failure() {
    const LIFE: u64 = 10;
    let machine = Machine::start();
    let issue = machine.azure.issuer(LIFE as i64);
    machine.imds.behave(Behaviour::issue(move || issue()));
    let server = machine
        .check()
        .env("CACHE_HEALTH_INTERVAL", "200ms")
        .serve();
    server.wait_for_status("/readyz", 200);
    let until = Instant::now() + Duration::from_secs(LIFE + 2);
    while Instant::now() < until {
        let answer = server.get("/healthz?fresh=1");
        assert_eq!(answer.verdict(), (Status::Pass, vec![]), "{}", answer.body);
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(machine.imds.requests() >= 2);
}

#[test]
fn a_token_of_the_metadata_service_that_redis_refuses_fails() {
    let machine = Machine::start();
    let stranger = cache_health_local_azure::token::object_id();
    let token = cache_health_local_azure::token::Token::mint(&stranger, HOUR);
    machine.imds.behave(Behaviour::Token(token.clone()));
    let check = machine.check().secret(&token.text);
    check.run().fails(Kind::AuthRejected, Step::Auth);
}

/// A server of Azure Arc, whose agent's folder is the real one in a namespace of the program's own.
mod as_root {
    use super::*;

    /// The folder that is put in place of the machine's own, and the agent's folder in it.
    const PARENT: &str = "/var/opt";
    const CHALLENGES: &str = "/var/opt/azcmagent/tokens";

    #[test]
    #[ignore = "needs root: cargo xtask test"]
    fn an_arc_server_passes_by_reading_its_challenge() {
        let azure = Azure::start();
        let folder = tempfile::tempdir().expect("a folder");
        let challenges = folder.path().join("azcmagent/tokens");
        std::fs::create_dir_all(&challenges).expect("made");
        let arc = |named: &str| {
            let platform = Platform::Arc {
                challenges: challenges.clone(),
                named: named.into(),
            };
            let behaviour = Behaviour::Token(azure.token.clone());
            IdentityEndpoint::start_as(0, platform, behaviour).expect("an endpoint")
        };
        let check = |arc: &IdentityEndpoint| {
            azure
                .check()
                .env("IDENTITY_ENDPOINT", arc.url())
                .env("IMDS_ENDPOINT", "http://localhost:40342")
                .with_mount(folder.path(), PARENT)
        };
        let agent = arc(CHALLENGES);
        check(&agent).run().passes().used("entra", None);
        // The twins: somebody who wants another file read, and an agent whose file is not there.
        let somebody = arc("/etc");
        check(&somebody)
            .run()
            .fails(Kind::TokenUnavailable, Step::Token)
            .saw("identity.problem", "challenge");
        let bare = azure
            .check()
            .env("IDENTITY_ENDPOINT", agent.url())
            .env("IMDS_ENDPOINT", "http://localhost:40342");
        let verdict = bare.run().fails(Kind::TokenUnavailable, Step::Token);
        let failure = verdict.document.failure.expect("a failure");
        assert!(failure.remedy.contains("himds"), "{failure:?}");
    }
}
