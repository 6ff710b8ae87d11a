//! A health component of the next patch version: one more function, and a kind that nobody knows yet. Its verdict is
//! always the same.

#![cfg_attr(
    not(target_family = "wasm"),
    allow(dead_code, reason = "only exported on wasm")
)]

mod bindings;

use bindings::exports::cache_health::probe::health::{
    CheckOptions, Finding, Guest, Report, Status,
};

struct Component;

impl Guest for Component {
    async fn check(_options: CheckOptions) -> Report {
        verdict()
    }

    async fn check_twice(_options: CheckOptions) -> Vec<Report> {
        vec![verdict(), verdict()]
    }
}

fn verdict() -> Report {
    Report {
        status: Status::Fail,
        time: 0,
        age: 0,
        output: "from the future".to_owned(),
        failure: Some(Finding {
            kind: "from-the-future".to_owned(),
            step: Some("redis:teleport".to_owned()),
            output: "from the future".to_owned(),
            remedy: "wait for it".to_owned(),
            evidence: vec![("future.evidence".to_owned(), "1".to_owned())],
        }),
        warnings: Vec::new(),
        auth: None,
        tls: None,
        steps: Vec::new(),
        evidence: Vec::new(),
    }
}
