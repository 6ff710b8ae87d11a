//! A service principal with a certificate. The token endpoint verifies the signature of its assertion, and the thumbprint.

use super::application::Application;
use crate::fixtures::HOUR;
use crate::fixtures::key_pair::{KeyPair, openssl};
use cache_health_local_azure::issuer::Proof;
use cache_health_report::{Kind, Step};
use std::path::PathBuf;

#[test]
#[ignore = "needs openssl: cargo xtask test"]
fn a_certificate_signs_an_assertion_that_the_token_endpoint_verifies() {
    let pair = KeyPair::new();
    let proof = Proof::Certificate(pair.read("certificate.der"));
    let application = Application::start(proof, HOUR);
    let check = |file: PathBuf| {
        let path = file.display().to_string();
        application
            .check()
            .env("AZURE_CLIENT_CERTIFICATE_PATH", path)
    };
    for parts in [
        ["key.pem", "certificate.pem"],
        ["certificate.pem", "key.pem"],
    ] {
        let verdict = check(pair.pem(&parts)).run().passes();
        assert_eq!(
            verdict.document.auth.expect("one").label,
            "service-principal"
        );
    }
    // The twin: another certificate than the registered one.
    let other = KeyPair::new();
    let verdict = check(other.pem(&["key.pem", "certificate.pem"])).run();
    let verdict = verdict.fails(Kind::TokenRejected, Step::Token);
    let failure = verdict
        .saw("identity.code", "AADSTS700027")
        .document
        .failure
        .expect("a failure");
    assert!(
        failure.remedy.contains("AZURE_CLIENT_CERTIFICATE_PATH"),
        "{failure:?}"
    );
}

#[test]
#[ignore = "needs openssl: cargo xtask test"]
fn a_file_that_cannot_sign_is_named_with_what_it_lacks() {
    let pair = KeyPair::new();
    openssl(
        pair.folder(),
        &["rsa", "-in", "key.pem", "-traditional", "-out", "pkcs1.pem"],
    );
    openssl(
        pair.folder(),
        &[
            "ecparam",
            "-name",
            "prime256v1",
            "-genkey",
            "-noout",
            "-out",
            "sec1.pem",
        ],
    );
    openssl(
        pair.folder(),
        &[
            "pkcs8", "-topk8", "-in", "sec1.pem", "-nocrypt", "-out", "ec.pem",
        ],
    );
    let application = Application::start(Proof::Certificate(pair.read("certificate.der")), HOUR);
    for (parts, says) in [
        (&["key.pem"][..], "no PEM certificate"),
        (&["certificate.pem"], "no private key"),
        (&["pkcs1.pem", "certificate.pem"], "PKCS#8"),
        (&["ec.pem", "certificate.pem"], "RSA"),
    ] {
        let file = pair.pem(parts).display().to_string();
        let check = application
            .check()
            .env("AZURE_CLIENT_CERTIFICATE_PATH", file);
        let (output, _) = check.output(&["check"]);
        assert_eq!(output.status.code(), Some(2), "{parts:?}");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(
            text.contains("AZURE_CLIENT_CERTIFICATE_PATH holds no"),
            "{text}"
        );
        assert!(text.contains(says), "{text}");
    }
}
