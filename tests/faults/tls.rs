//! Faults of the server's certificate and of TLS. They show on a new connection, so the old one is
//! ended when they begin.

use super::row::{Expect, OnSpin, Row};
use super::scene::Scene;
use cache_health_local_azure::certificates::{Authority, Leaf};
use cache_health_report::{Kind, Step};
use time::Duration;

const GROUP: &str = "TLS";

pub fn rows() -> Vec<Row> {
    let leaf = |names: &[&str], starts, ends| Leaf {
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        starts: Duration::days(starts),
        ends: Duration::days(ends),
    };
    let mine = ["localhost"];
    vec![
        row("unknown CA", Kind::TlsUntrusted).begin(|s| {
            let foreign = Authority::new("somebody else's CA").expect("a CA");
            s.present(&foreign.issue(&Leaf::default()).expect("a certificate"));
        }),
        row("self-signed", Kind::TlsUntrusted).begin(|s| {
            let own = Authority::self_signed(&Leaf::default()).expect("a certificate");
            s.present(&own);
        }),
        certificate(
            "another name",
            Kind::TlsHostname,
            leaf(&["elsewhere.test"], -1, 90),
        ),
        certificate("expired", Kind::TlsExpired, leaf(&mine, -9, -1)),
        certificate("not yet valid", Kind::TlsExpired, leaf(&mine, 1, 90)),
        row("TLS 1.1 only", Kind::TlsProtocol)
            .begin(|s| {
                s.redis(&["CONFIG", "SET", "tls-protocols", "TLSv1.1"]);
                s.end_connections();
            })
            .end(|s| drop(s.redis(&["CONFIG", "SET", "tls-protocols", "TLSv1.2 TLSv1.3"]))),
        Row {
            expect: Expect::Warn(Kind::CertificateExpiring),
            ..certificate(
                "ends in 13 days",
                Kind::CertificateExpiring,
                leaf(&mine, -1, 13),
            )
        }
        .on_spin(OnSpin::Differs(
            Expect::Pass,
            "Spin shows nothing of the certificate",
        )),
    ]
}

fn row(fault: &'static str, kind: Kind) -> Row {
    Row::new(GROUP, fault, Expect::Fail(kind, Some(Step::Tls)))
        .prepare(Scene::without_proxy)
        .end(|s| {
            let chain = s.azure.chain.clone();
            s.present(&chain);
        })
}

fn certificate(fault: &'static str, kind: Kind, leaf: Leaf) -> Row {
    row(fault, kind).begin(move |s| {
        let chain = s.issue(&leaf);
        s.present(&chain);
    })
}
