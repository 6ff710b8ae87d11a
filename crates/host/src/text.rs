//! A verdict as people like to read it.

use crate::terminal::{Mark, Style};
use cache_health_report::{Document, Evidence, FindingDocument, Status, StepDocument};
use std::fmt::Write as _;

/// Renders a document as a table.
pub fn render(document: &Document, style: Style) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write(document, style, &mut out);
    style.text(&out).into_owned()
}

/// The verdict in a line, without a line break.
pub fn line(document: &Document, style: Style) -> String {
    let (word, time) = (word(document.status), &document.time);
    let sum = |sum: f64, step: &StepDocument| sum + step.observed_value;
    let took = document.checks.values().flatten().fold(0.0, sum);
    let line = format!("{time} {word} {took:>9.3} ms  {}", document.output);
    style.text(&line).into_owned()
}

fn write(document: &Document, style: Style, out: &mut String) -> std::fmt::Result {
    writeln!(out, "{}  {}", word(document.status), document.output)?;
    if !document.checks.is_empty() {
        writeln!(out)?;
    }
    for (step, results) in &document.checks {
        for result in results {
            let mark = style.sign(if result.status == Status::Fail {
                Mark::Fail
            } else {
                Mark::Ok
            });
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
