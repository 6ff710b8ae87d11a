//! A workload identity of Kubernetes: the cluster's token, exchanged over TLS for one of Entra's.

use crate::fixtures::application::Application;
use crate::fixtures::verdict::Verdict;
use crate::fixtures::{Azure, Check, HOUR};
use cache_health_local_azure::issuer::Proof;
use cache_health_local_azure::token;
use cache_health_report::{Kind, Status, Step};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A pod with a projected token, and the endpoint that knows it.
struct Pod {
    azure: Azure,
    application: Application,
    /// The assertion that the endpoint accepts.
    accepted: PathBuf,
    folder: TempDir,
}

impl Pod {
    fn start() -> Self {
        Self::with_tokens_of(HOUR)
    }

    fn with_tokens_of(life: i64) -> Self {
        let azure = Azure::start();
        let folder = tempfile::tempdir().expect("a folder");
        let accepted = folder.path().join("accepted");
        let proof = Proof::Assertion(accepted.clone());
        let application = Application::register(&azure, proof, life);
        let pod = Self {
            azure,
            application,
            accepted,
            folder,
        };
        pod.rotate();
        pod
    }

    /// The cluster signs a new token: the old one is worth nothing any more.
    fn rotate(&self) -> String {
        let assertion = token::jwt(r#"{"sub":"system:serviceaccount:shop:app"}"#);
        for file in [&self.accepted, &self.file()] {
            std::fs::write(file, format!("{assertion}\n")).expect("written");
        }
        assertion
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("azure-identity-token")
    }

    fn check(&self) -> Check {
        let assertion = std::fs::read_to_string(self.file()).expect("written");
        self.azure
            .check()
            .envs(self.application.environment(&self.azure))
            .env(
                "AZURE_FEDERATED_TOKEN_FILE",
                self.file().display().to_string(),
            )
            .secret(assertion.trim())
    }
}

#[test]
fn a_workload_identity_passes_and_says_so() {
    let pod = Pod::start();
    let verdict = pod.check().run().passes().used("entra", None);
    let auth = verdict.document.auth.expect("a credential");
    assert_eq!(auth.label, "workload-identity");
    assert_eq!(auth.principal, Some(pod.azure.object_id.clone()));
}

#[test]
fn a_managed_identity_is_tried_after_it() {
    let pod = Pod::start();
    let check = || pod.check().identity(&pod.azure.identity);
    let label = |verdict: Verdict| verdict.document.auth.expect("a credential").label;
    assert_eq!(label(check().run().passes()), "workload-identity");
    // Where it gives no token the next one does, and the verdict says what is to be mended.
    let gone = check().env("AZURE_FEDERATED_TOKEN_FILE", "/no/such/file");
    let verdict = gone.run().warns(Kind::Config);
    assert_eq!(label(verdict), "managed-identity");
}

#[test]
fn the_file_is_read_again_when_the_cluster_rotated_it() {
    const LIFE: u64 = 10;
    let pod = Pod::with_tokens_of(LIFE as i64);
    let server = pod.check().env("CACHE_HEALTH_INTERVAL", "200ms").serve();
    server.wait_for_status("/readyz", 200);
    // The first assertion is worth nothing from here on: who goes on using it has no token soon.
    pod.rotate();
    let until = Instant::now() + Duration::from_secs(LIFE + 2);
    while Instant::now() < until {
        let answer = server.get("/healthz?fresh=1");
        assert_eq!(answer.verdict(), (Status::Pass, vec![]), "{}", answer.body);
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn an_assertion_that_entra_refuses_is_token_rejected_with_the_remedy() {
    let pod = Pod::start();
    std::fs::write(pod.file(), token::jwt(r#"{"sub":"somebody else"}"#)).expect("written");
    let verdict = pod.check().run().fails(Kind::TokenRejected, Step::Token);
    let failure = verdict.document.failure.expect("a failure");
    assert!(
        failure
            .remedy
            .contains("az identity federated-credential list"),
        "{}",
        failure.remedy
    );
}

#[test]
fn an_unknown_client_is_token_rejected() {
    let pod = Pod::start();
    pod.check()
        .env("AZURE_CLIENT_ID", token::object_id())
        .run()
        .fails(Kind::TokenRejected, Step::Token);
}

#[test]
fn an_authority_that_cannot_be_trusted_never_sees_the_assertion() {
    let pod = Pod::start();
    // The built-in roots do not know the stand-in's authority.
    pod.check()
        .without("AZURE_AUTHORITY_CA_FILE")
        .env("CACHE_HEALTH_TIMEOUT", "1s")
        .run()
        .fails(Kind::TokenUnavailable, Step::Token);
}

#[test]
fn a_file_that_cannot_be_read_exits_with_two_and_names_its_variable() {
    let pod = Pod::start();
    let check = pod
        .check()
        .env("AZURE_FEDERATED_TOKEN_FILE", "/no/such/file");
    let (output, _) = check.output(&["check"]);
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        text.contains("AZURE_FEDERATED_TOKEN_FILE cannot be read"),
        "{text}"
    );
}

#[test]
fn a_clusters_own_proxy_is_asked_in_place_of_entra() {
    let pod = Pod::start();
    let ca_file = pod.azure.redis.ca_file().display().to_string();
    let through = |ca_file: &str| {
        pod.check()
            .env("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.com/")
            .without("AZURE_AUTHORITY_CA_FILE")
            .env(
                "AZURE_KUBERNETES_TOKEN_PROXY",
                pod.application.endpoint.authority(),
            )
            .env("AZURE_KUBERNETES_CA_FILE", ca_file)
            .env("CACHE_HEALTH_TIMEOUT", "2s")
    };
    through(&ca_file).run().passes().used("entra", None);
    // The twin: the proxy's certificate is for no such name.
    let other = through(&ca_file).env("AZURE_KUBERNETES_SNI_NAME", "another.example");
    other.run().fails(Kind::TokenUnavailable, Step::Token);
}

#[test]
fn no_token_falls_back_to_a_key() {
    let pod = Pod::start();
    std::fs::write(pod.file(), token::jwt(r#"{"sub":"somebody else"}"#)).expect("written");
    let check = pod.check().env("REDIS_ACCESS_KEY", &pod.azure.access_key);
    check
        .run()
        .warns(Kind::Fallback)
        .used("access-key", Some("token-rejected"));
}
