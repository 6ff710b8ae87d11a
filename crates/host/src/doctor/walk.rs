//! A document as a walk through what an app needs. Pure: observations in, diagnosis out.

use crate::doctor::category::Category;
use crate::telemetry::Tried;
use crate::terminal::Mark;
use cache_health_report::{AuthMethod, Document, Evidence, FindingDocument, Status};
use clap::ValueEnum as _;
use serde::Serialize;
use std::collections::BTreeMap;

/// One part of the walk.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Section {
    /// What is looked at.
    pub category: Category,
    /// How it went.
    pub result: Mark,
    /// How long its steps took, in milliseconds; null where it has none.
    pub duration_ms: Option<f64>,
    /// In a few words.
    pub summary: String,
    /// What is wrong or needs attention.
    pub findings: Vec<FindingDocument>,
    /// What was seen.
    pub seen: BTreeMap<String, String>,
}

/// The sections of a document, in order.
pub fn walk(document: &Document, telemetry: &[Tried]) -> Vec<Section> {
    let failed = document.failure.as_ref().map(Category::of);
    Category::value_variants()
        .iter()
        .copied()
        .map(|category| match category {
            Category::Telemetry => exports(telemetry),
            _ => section(document, category, failed),
        })
        .collect()
}

/// What a collector said. It never fails: the verdict does not hang on it.
fn exports(tried: &[Tried]) -> Section {
    let result = match tried {
        [] => Mark::Skip,
        all if all.iter().all(|tried| tried.problem.is_none()) => Mark::Ok,
        _ => Mark::Warn,
    };
    let said = tried.iter().map(Tried::said).collect::<Vec<_>>();
    Section {
        category: Category::Telemetry,
        result,
        duration_ms: None,
        summary: if said.is_empty() {
            "none is configured".to_owned()
        } else {
            said.join("; ")
        },
        findings: Vec::new(),
        seen: BTreeMap::new(),
    }
}

fn section(document: &Document, category: Category, failed: Option<Category>) -> Section {
    let all = document.failure.iter().chain(&document.warnings);
    let findings: Vec<_> = all
        .filter(|f| Category::of(f) == category)
        .cloned()
        .collect();
    let duration_ms = duration(document, category);
    let result = if failed == Some(category) {
        Mark::Fail
    } else if !findings.is_empty() {
        Mark::Warn
    } else if was_reached(document, category, failed) {
        Mark::Ok
    } else {
        Mark::Skip
    };
    Section {
        category,
        result,
        duration_ms,
        summary: summary(document, category, result),
        seen: seen(document, category),
        findings,
    }
}

/// What the steps of a category took together: of the last attempt, where there were several.
fn duration(document: &Document, category: Category) -> Option<f64> {
    let of_this = |step| match category {
        Category::Permission => false,
        _ => Category::of_step(step) == category,
    };
    let steps = document.checks.iter().filter(|(step, _)| of_this(**step));
    let last = steps.filter_map(|(_, results)| results.last());
    last.map(|result| result.observed_value)
        .reduce(|sum, value| sum + value)
}

/// Whether the walk came by here and went on.
fn was_reached(document: &Document, category: Category, failed: Option<Category>) -> bool {
    match category {
        Category::Configuration => true,
        Category::Permission => {
            let get = document.checks.get(&cache_health_report::Step::Get);
            let last = get.and_then(|results| results.last());
            last.is_some_and(|result| result.status == Status::Pass)
        }
        _ => {
            let steps = document.checks.iter();
            let mut of_this = steps.filter(|(step, _)| Category::of_step(**step) == category);
            let passed = of_this.any(|(_, results)| {
                results
                    .last()
                    .is_some_and(|result| result.status == Status::Pass)
            });
            // Data that was only half way is not well.
            passed && (category != Category::Data || failed != Some(Category::Permission))
        }
    }
}

/// A few words on what went well.
fn summary(document: &Document, category: Category, result: Mark) -> String {
    let nothing = Evidence::new();
    let evidence = document.evidence.as_ref().unwrap_or(&nothing);
    let seen = |name: &str| evidence.get(name).unwrap_or_default().to_owned();
    match (category, result) {
        (Category::Identity, Mark::Skip) if used_a_key(document) => {
            "not needed: an access key is used".to_owned()
        }
        (Category::Configuration, Mark::Ok | Mark::Warn) => {
            format!("{}:{}", seen("redis.host"), seen("redis.port"))
        }
        (_, Mark::Skip) => "not reached".to_owned(),
        (_, Mark::Fail) => "see below".to_owned(),
        (Category::Name, _) => seen("addresses"),
        (Category::Tls, _) => document.tls.as_ref().map_or_else(String::new, |tls| {
            let names = tls.names.iter().flatten().map(String::as_str);
            let names = names.collect::<Vec<_>>().join(", ");
            format!("{} for {names}, until {}", tls.protocol, tls.not_after)
        }),
        (Category::Authentication, _) => document.auth.as_ref().map_or_else(String::new, |auth| {
            let principal = auth.principal.as_deref().unwrap_or_default();
            format!("{} ({}) {principal}", auth.method.as_str(), auth.label)
        }),
        (Category::Permission, _) => format!("SET and GET on {}", seen("redis.key")),
        _ => category.about().to_owned(),
    }
}

fn used_a_key(document: &Document) -> bool {
    let method = document.auth.as_ref().map(|auth| auth.method);
    method == Some(AuthMethod::AccessKey)
}

/// The evidence that says something of a category.
fn seen(document: &Document, category: Category) -> BTreeMap<String, String> {
    let names = category.evidence();
    let of_this = |name: &str| names.iter().any(|begin| name.starts_with(begin));
    let all = document.evidence.iter().flat_map(Evidence::iter);
    all.filter(|(name, _)| of_this(name))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict;
    use cache_health_report::{Failure, Kind, Report, Step, StepResult, View};
    use std::time::Duration;

    fn document(steps: &[Step], failure: Option<(Kind, Option<Step>)>) -> Document {
        let kind = failure.map_or(Kind::Internal, |(kind, _)| kind);
        let mut report: Report = verdict::failure(&Failure::of(kind));
        match failure {
            None => {
                report.failure = None;
                report.status = Status::Pass;
            }
            Some((_, step)) => {
                if let Some(finding) = &mut report.failure {
                    finding.step = step;
                }
            }
        }
        let failed = failure.and_then(|(_, step)| step);
        let result = |step: &Step| StepResult {
            step: *step,
            status: if failed == Some(*step) {
                Status::Fail
            } else {
                Status::Pass
            },
            duration: Duration::from_millis(2),
        };
        report.steps = steps.iter().map(result).collect();
        Document::of(report, View::Details)
    }

    fn marks(document: &Document) -> Vec<Mark> {
        walk(document, &[])
            .into_iter()
            .map(|section| section.result)
            .collect()
    }

    use Mark::{Fail, Ok, Skip};
    const ALL: [Step; 7] = [
        Step::Dns,
        Step::Tcp,
        Step::Tls,
        Step::Token,
        Step::Auth,
        Step::Set,
        Step::Get,
    ];

    #[test]
    fn all_is_well_where_every_step_passed() {
        assert_eq!(
            marks(&document(&ALL, None)),
            [Ok, Ok, Ok, Ok, Ok, Ok, Ok, Ok, Skip]
        );
    }

    #[test]
    fn what_comes_after_a_failure_is_not_reached() {
        let untrusted = Some((Kind::TlsUntrusted, Some(Step::Tls)));
        let walked = marks(&document(&ALL[..3], untrusted));
        assert_eq!(walked, [Ok, Ok, Ok, Fail, Skip, Skip, Skip, Skip, Skip]);
        let misconfigured = marks(&document(&[], Some((Kind::Config, None))));
        assert_eq!(
            misconfigured,
            [Fail, Skip, Skip, Skip, Skip, Skip, Skip, Skip, Skip]
        );
    }

    #[test]
    fn a_permission_that_is_missing_is_no_fault_of_the_data() {
        let denied = Some((Kind::PermissionDenied, Some(Step::Set)));
        let walked = marks(&document(&ALL[..6], denied));
        assert_eq!(walked, [Ok, Ok, Ok, Ok, Ok, Ok, Fail, Skip, Skip]);
        let full = Some((Kind::OutOfMemory, Some(Step::Set)));
        let walked = marks(&document(&ALL[..6], full));
        assert_eq!(walked, [Ok, Ok, Ok, Ok, Ok, Ok, Skip, Fail, Skip]);
    }

    #[test]
    fn a_time_out_belongs_to_the_step_it_was_in() {
        for (step, category) in [
            (Step::Dns, Category::Name),
            (Step::Tcp, Category::Network),
            (Step::Token, Category::Identity),
            (Step::Get, Category::Data),
        ] {
            let document = document(&[step], Some((Kind::Timeout, Some(step))));
            let failing = walk(&document, &[]).into_iter().find(|s| s.result == Fail);
            assert_eq!(failing.map(|section| section.category), Some(category));
        }
    }
}
