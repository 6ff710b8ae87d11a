//! Faults of Entra's token endpoint, as a service principal meets them.

use super::row::{Expect, Row};
use cache_health_local_azure::issuer::Proof;
use cache_health_local_azure::token;
use cache_health_report::{Kind, Step};

const GROUP: &str = "Entra's token endpoint";
const SECRET: &str = "s8Q~sEcReT+/=of.the_app";

pub fn rows() -> Vec<Row> {
    vec![
        row(
            "client secret that was replaced",
            Expect::Fail(Kind::TokenRejected, Some(Step::Token)),
        )
        .begin(|s| s.entra().register(Proof::Secret(token::access_key())))
        .end(|s| s.entra().register(Proof::Secret(SECRET.to_owned()))),
        outage("429 of Entra", 429),
        outage("500 of Entra", 500),
        outage("503 of Entra", 503),
    ]
}

fn row(fault: &'static str, expect: Expect) -> Row {
    Row::new(GROUP, fault, expect)
        .starts_with_it()
        .prepare(|s| s.service_principal(SECRET))
}

fn outage(fault: &'static str, status: u16) -> Row {
    row(
        fault,
        Expect::Fail(Kind::TokenUnavailable, Some(Step::Token)),
    )
    .begin(move |s| s.entra().outage(Some(status)))
    .end(|s| s.entra().outage(None))
}
