//! Everything that the doctor found, and what it comes to: one diagnosis, one cure. Pure.

use crate::doctor::beside::Beside;
use crate::doctor::category::Category;
use crate::doctor::latency::{Conclusion, Latency};
use crate::doctor::walk::{Section, walk};
use crate::replica::Replica;
use crate::telemetry::Tried;
use crate::terminal::Mark;
use cache_health_report::{Document, Evidence, Status};
use serde::Serialize;
use std::collections::BTreeMap;

/// What support asks for, of the evidence.
const TICKET: [&str; 6] = [
    "identity.source",
    "identity.code",
    "identity.correlationId",
    "identity.traceId",
    "identity.time",
    "redis.code",
];

/// What was found.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Diagnosis {
    /// Whether nothing that was asked for failed.
    pub success: bool,
    /// The worst of what was asked for.
    pub status: Status,
    /// The walk.
    pub categories: Vec<Section>,
    /// What the `serve` in the same replica remembers; null where the configuration does not say where it is.
    pub serve: Option<Beside>,
    /// Round trips and stalls; null unless asked for.
    pub latency: Option<Latency>,
    /// In one sentence.
    pub diagnosis: String,
    /// What to do; null where there is nothing to do.
    pub cure: Option<String>,
    /// The section of the documentation.
    pub reference: Option<String>,
    /// What support asks for.
    pub ticket: BTreeMap<&'static str, String>,
}

/// What was observed.
pub struct Observed<'a> {
    /// The check.
    pub document: &'a Document,
    /// The `serve` beside.
    pub serve: Option<Beside>,
    /// What was measured.
    pub latency: Option<Latency>,
    /// What collectors said.
    pub telemetry: &'a [Tried],
    /// Which replica this is.
    pub replica: &'a Replica,
    /// The version of the program.
    pub version: &'a str,
}

impl Diagnosis {
    /// Of what was observed. `asked`: the categories that count; none is all.
    pub fn of(observed: Observed<'_>, asked: &[Category]) -> Self {
        let document = observed.document;
        let mut categories = walk(document, observed.telemetry);
        categories.retain(|section| asked.is_empty() || asked.contains(&section.category));
        let worst = |mark| categories.iter().any(|section| section.result == mark);
        // A part that was asked for and not reached is not well: what it needs is broken.
        let unreached = document.status == Status::Fail
            && categories.iter().any(|section| {
                section.result == Mark::Skip && section.category != Category::Telemetry
            });
        let status = match (worst(Mark::Fail) || unreached, worst(Mark::Warn)) {
            (true, _) => Status::Fail,
            (false, true) => Status::Warn,
            (false, false) => Status::Pass,
        };
        let (diagnosis, cure, reference) = conclude(&observed, &categories);
        Self {
            success: status != Status::Fail,
            status,
            diagnosis,
            cure,
            reference,
            ticket: ticket(&observed),
            categories,
            serve: observed.serve,
            latency: observed.latency,
        }
    }
}

/// One diagnosis, and one cure: the first of what fails, of what is slow, of what needs attention.
fn conclude(
    observed: &Observed<'_>,
    categories: &[Section],
) -> (String, Option<String>, Option<String>) {
    let finding = |mark| {
        let mut of_mark = categories.iter().filter(|section| section.result == mark);
        of_mark.find_map(|section| section.findings.first())
    };
    let slow = observed
        .latency
        .as_ref()
        .filter(|l| l.conclusion != Conclusion::Fast);
    if let (None, Some(latency)) = (finding(Mark::Fail), slow) {
        return (latency.said.to_owned(), None, None);
    }
    // What was not reached has its cause in a part that was not asked for.
    let failure = observed.document.failure.as_ref();
    let elsewhere = failure.filter(|_| categories.iter().any(|s| s.result == Mark::Skip));
    let failing = finding(Mark::Fail).or(elsewhere);
    match failing.or_else(|| finding(Mark::Warn)) {
        Some(finding) => (
            finding.output.clone(),
            Some(finding.remedy.clone()),
            Some(finding.reference.clone()),
        ),
        None => (observed.document.output.clone(), None, None),
    }
}

fn ticket(observed: &Observed<'_>) -> BTreeMap<&'static str, String> {
    let document = observed.document;
    let first = document.failure.as_ref().or(document.warnings.first());
    let of_finding = first.and_then(|finding| finding.evidence.as_ref());
    let all: Vec<&Evidence> = of_finding.into_iter().chain(&document.evidence).collect();
    let mut ticket = BTreeMap::from([
        ("version", observed.version.to_owned()),
        ("time", document.time.clone()),
    ]);
    if let Some(finding) = first {
        ticket.insert("kind", finding.kind.to_string());
    }
    for (name, value) in [
        ("replica", &observed.replica.name),
        ("revision", &observed.replica.revision),
    ] {
        if !value.is_empty() {
            ticket.insert(name, value.clone());
        }
    }
    for name in TICKET {
        if let Some(value) = all.iter().find_map(|evidence| evidence.get(name)) {
            ticket.insert(name, value.to_owned());
        }
    }
    ticket
}
