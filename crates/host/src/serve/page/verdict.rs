//! The verdict, its cause and cure, and what was seen.

use super::{Shown, time};
use cache_health_report::{Document, FindingDocument, Status};
use maud::{Markup, html};

/// The answer in a few words.
pub fn answer(document: Option<&Document>) -> &'static str {
    match document.map(|document| document.status) {
        None => "Not known yet",
        Some(Status::Pass) => "Yes",
        Some(Status::Warn) => "Yes, and something needs attention",
        Some(Status::Fail) => "No",
    }
}

/// The question, the answer, and since when.
pub fn heading(shown: &Shown<'_>) -> Markup {
    let status = shown.document.map(|document| document.status.as_str());
    let since = shown
        .history
        .verdict
        .as_ref()
        .map(|verdict| verdict.since.as_str());
    html! {
        h1 { "Can this app use its cache?" }
        p class={ "verdict " (status.unwrap_or("soft")) } { (answer(shown.document)) }
        @if let Some(document) = shown.document {
            p {
                // What is broken has a place of its own.
                @if document.failure.is_none() { (document.output) ". " }
                @if let Some(since) = since { "So since " (time(since)) ". " }
                span class="soft" { "Checked at " (time(&document.time)) "." }
            }
        }
    }
}

/// Cause and cure.
pub fn findings(document: &Document) -> Markup {
    html! {
        @if let Some(failure) = &document.failure { (finding("What is broken", "is-fail", failure)) }
        @for warning in &document.warnings { (finding("What needs attention", "is-warn", warning)) }
    }
}

fn finding(title: &str, class: &str, finding: &FindingDocument) -> Markup {
    html! {
        section class={ "finding " (class) } aria-label=(title) {
            p { strong { (title) ": " (finding.kind) } @if let Some(step) = finding.step { " at " (step) } }
            p { (finding.output) }
            p { strong { "What to do: " } (finding.remedy) }
            p { a href=(finding.reference) { "More about " (finding.kind) } }
            @if let Some(evidence) = finding.evidence.as_ref().filter(|evidence| !evidence.is_empty()) {
                details {
                    summary { "What was seen" }
                    dl { @for (name, value) in evidence.iter() { dt { (name) } dd { (value) } } }
                }
            }
        }
    }
}

/// The steps of the check, with their times.
pub fn steps(document: &Document) -> Markup {
    html! {
        @if !document.checks.is_empty() {
            h2 { "Steps" }
            div class="scroll" tabindex="0" role="region" aria-label="Steps of the check" {
                table {
                    thead { tr { th scope="col" { "Step" } th scope="col" { "Result" } th scope="col" class="number" { "Time" } } }
                    tbody {
                        @for (step, results) in &document.checks {
                            @for result in results {
                                tr {
                                    th scope="row" { (step) }
                                    td class=(result.status.as_str()) { (result.status.as_str()) }
                                    td class="number" { (format!("{:.2}", result.observed_value)) " ms" }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The credential, and the session with the cache.
pub fn session(document: &Document) -> Markup {
    html! {
        @if document.auth.is_some() || document.tls.is_some() {
            h2 { "Credential and certificate" }
            dl {
                @if let Some(auth) = &document.auth {
                    dt { "Credential" } dd { (auth.method.as_str()) " (" (auth.label) ")" }
                    @if let Some(principal) = &auth.principal { dt { "Principal" } dd { (principal) } }
                    @if let Some(end) = &auth.expires_at { dt { "Ends" } dd { (time(end)) } }
                    @if let Some(reason) = &auth.fallback_reason { dt { "In place of Entra" } dd { (reason) } }
                }
                @if let Some(tls) = &document.tls {
                    dt { "Session" } dd { (tls.protocol) ", " (tls.cipher) }
                    dt { "Certificate ends" } dd { (time(&tls.not_after)) }
                    @if let Some(names) = &tls.names { dt { "Names" } dd { (names.join(", ")) } }
                    @if let Some(issuer) = &tls.issuer { dt { "Issuer" } dd { (issuer) } }
                }
            }
        }
    }
}
