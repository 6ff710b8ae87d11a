//! A verdict as people like to read it.

use cache_health_report::{Document, Evidence, FindingDocument, Status};
use std::fmt::Write as _;

/// Renders a document as a table.
pub fn render(document: &Document) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write(document, &mut out);
    out
}

fn write(document: &Document, out: &mut String) -> std::fmt::Result {
    writeln!(out, "{}  {}", word(document.status), document.output)?;
    if !document.checks.is_empty() {
        writeln!(out)?;
    }
    for (step, results) in &document.checks {
        for result in results {
            let mark = if result.status == Status::Fail {
                "✗"
            } else {
                "✓"
            };
            let (value, unit) = (result.observed_value, &result.observed_unit);
            writeln!(out, "  {mark} {:<15} {value:>10.3} {unit}", step.as_str())?;
        }
    }
    if let Some(auth) = &document.auth {
        write!(
            out,
            "\n  credential  {} ({})",
            auth.method.as_str(),
            auth.label
        )?;
        if let Some(principal) = &auth.principal {
            write!(out, " {principal}")?;
        }
        if let Some(end) = &auth.expires_at {
            write!(out, ", until {end}")?;
        }
        writeln!(out)?;
    }
    if let Some(tls) = &document.tls {
        let verified = if tls.verified {
            "verified"
        } else {
            "NOT verified"
        };
        writeln!(out, "  tls         {} {}", tls.protocol, tls.cipher)?;
        let names = tls.names.iter().flatten().map(String::as_str);
        let names = names.collect::<Vec<_>>().join(", ");
        writeln!(
            out,
            "  certificate {names}, {verified}, until {}",
            tls.not_after
        )?;
        if let Some(issuer) = &tls.issuer {
            writeln!(out, "  issuer      {issuer}")?;
        }
    }
    for warning in &document.warnings {
        finding("warning", warning, out)?;
    }
    if let Some(failure) = &document.failure {
        finding("failure", failure, out)?;
    }
    Ok(())
}

fn finding(label: &str, finding: &FindingDocument, out: &mut String) -> std::fmt::Result {
    let step = finding
        .step
        .map_or_else(String::new, |step| format!(" at {step}"));
    writeln!(
        out,
        "\n  {label}: {}{step}: {}",
        finding.kind, finding.output
    )?;
    writeln!(out, "  remedy:  {}", finding.remedy)?;
    for (name, value) in finding.evidence.iter().flat_map(Evidence::iter) {
        writeln!(out, "  seen:    {name} {value}")?;
    }
    Ok(())
}

fn word(status: Status) -> &'static str {
    match status {
        Status::Pass => "PASS",
        Status::Warn => "WARN",
        Status::Fail => "FAIL",
    }
}
