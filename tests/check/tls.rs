//! TLS: what is accepted, what is refused, and how the refusal is called.

use crate::fixtures::{Azure, Check};
use cache_health_local_azure::certificates::Leaf;
use cache_health_report::{Kind, Step};
use std::net::TcpListener;
use std::time::Duration;
use time::Duration as Days;

#[test]
fn tls_1_2_is_enough() {
    let azure = Azure::with(|redis| redis.config.push("tls-protocols TLSv1.2".into()));
    let verdict = azure.check_key().run().passes();
    assert_eq!(verdict.document.tls.expect("evidence").protocol, "TLSv1.2");
}

#[test]
fn an_unknown_issuer_is_not_trusted() {
    let azure = Azure::start();
    azure
        .check_key()
        .without("REDIS_CA_FILE")
        .run()
        .fails(Kind::TlsUntrusted, Step::Tls);
}

#[test]
fn a_certificate_for_another_name_is_refused() {
    let azure = Azure::with_leaf(&Leaf {
        names: vec!["elsewhere.test".into()],
        ..Leaf::default()
    });
    azure.check_key().run().fails(Kind::TlsHostname, Step::Tls);
}

#[test]
fn a_certificate_outside_its_dates_is_refused() {
    for (starts, ends) in [(-10, -1), (1, 10)] {
        let (starts, ends) = (Days::days(starts), Days::days(ends));
        let azure = Azure::with_leaf(&Leaf {
            starts,
            ends,
            ..Leaf::default()
        });
        azure.check_key().run().fails(Kind::TlsExpired, Step::Tls);
    }
}

#[test]
fn a_certificate_that_ends_soon_warns() {
    let azure = Azure::with_leaf(&Leaf {
        ends: Days::days(13),
        ..Leaf::default()
    });
    azure.check_key().run().warns(Kind::CertificateExpiring);
}

#[test]
fn a_silent_plaintext_port_is_a_time_out_of_the_handshake() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = silent.local_addr().expect("it").port();
    let verdict = Check::of("127.0.0.1", port)
        .env("REDIS_ACCESS_KEY", "key")
        .env("CACHE_HEALTH_TIMEOUT", "500ms")
        .run()
        .fails(Kind::Timeout, Step::Tls);
    assert!(
        // Well before the five seconds of the default.
        verdict.took < Duration::from_secs(4),
        "{:?}",
        verdict.took
    );
    let remedy = verdict.document.failure.expect("one").remedy;
    assert!(remedy.contains("plaintext"), "{remedy}");
}
