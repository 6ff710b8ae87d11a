//! A diagnosis as it is read: in a terminal, in a ticket, by a program.

use crate::doctor::DoctorFormat;
use crate::doctor::category::Category;
use crate::doctor::diagnosis::Diagnosis;
use crate::doctor::latency::Latency;
use crate::doctor::walk::Section;
use crate::spread::Spread;
use crate::terminal::{Mark, Style};
use clap::ValueEnum as _;
use std::fmt::{self, Write as _};

/// How wide the names of categories are.
const NAME: usize = 15;

/// Renders a diagnosis, with a line break at its end.
pub fn render(diagnosis: &Diagnosis, format: DoctorFormat, style: Style) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = match format {
        DoctorFormat::Json => {
            let json = serde_json::to_string(diagnosis).unwrap_or_default();
            writeln!(out, "{json}")
        }
        DoctorFormat::Short => Text { style, all: false }.write(diagnosis, &mut out),
        DoctorFormat::Text => Text { style, all: true }.write(diagnosis, &mut out),
    };
    out
}

/// What there is to look at.
pub fn list() -> String {
    let line = |category: Category| format!("{:NAME$} {}\n", category.as_str(), category.about());
    Category::value_variants()
        .iter()
        .copied()
        .map(line)
        .collect()
}

struct Text {
    style: Style,
    /// Also what is well.
    all: bool,
}

impl Text {
    fn write(&self, diagnosis: &Diagnosis, out: &mut String) -> fmt::Result {
        for section in &diagnosis.categories {
            if self.all || matches!(section.result, Mark::Fail | Mark::Warn) {
                self.section(section, out)?;
            }
        }
        if let Some(serve) = diagnosis.serve.as_ref().filter(|_| self.all) {
            writeln!(out, "\nserve beside    {}", self.style.text(&serve.said))?;
        }
        if let Some(latency) = &diagnosis.latency {
            self.latency(latency, out)?;
        }
        writeln!(
            out,
            "\ndiagnosis: {}",
            self.style.text(&diagnosis.diagnosis)
        )?;
        if let Some(cure) = &diagnosis.cure {
            writeln!(out, "cure:      {}", self.style.text(cure))?;
        }
        if let Some(reference) = &diagnosis.reference {
            writeln!(out, "see:       {}", self.style.text(reference))?;
        }
        let ticket = diagnosis.ticket.iter();
        let ticket = ticket.map(|(name, value)| format!("{name} {value}"));
        let ticket = ticket.collect::<Vec<_>>().join(", ");
        writeln!(out, "ticket:    {}", self.style.text(&ticket))
    }

    fn section(&self, section: &Section, out: &mut String) -> fmt::Result {
        let sign = self.style.sign(section.result);
        let name = section.category.as_str();
        let took = section
            .duration_ms
            .map_or_else(String::new, |ms| format!("{ms:.1} ms"));
        let summary = self.style.text(&section.summary);
        let line = format!("{sign} {name:NAME$} {took:>10}  {summary}");
        writeln!(out, "{}", line.trim_end())?;
        for finding in &section.findings {
            let step = finding
                .step
                .map_or_else(String::new, |step| format!(" at {step}"));
            let kind = finding.kind;
            writeln!(
                out,
                "       {kind}{step}: {}",
                self.style.text(&finding.output)
            )?;
            let mut seen = section.seen.clone();
            for (name, value) in finding.evidence.iter().flat_map(|evidence| evidence.iter()) {
                seen.insert(name.to_owned(), value.to_owned());
            }
            for (name, value) in &seen {
                writeln!(out, "         {name}: {}", self.style.text(value))?;
            }
            writeln!(out, "       see {}", self.style.text(&finding.reference))?;
        }
        Ok(())
    }

    fn latency(&self, latency: &Latency, out: &mut String) -> fmt::Result {
        let line = |name: &str, spread: &Spread| {
            let Spread {
                count,
                min_ms,
                mean_ms,
                p50_ms,
                p99_ms,
                max_ms,
            } = spread;
            format!(
                "{name:NAME$} min {min_ms:.2}, mean {mean_ms:.2}, p50 {p50_ms:.2}, p99 {p99_ms:.2}, max {max_ms:.2} ms ({count})"
            )
        };
        writeln!(out, "\n{}", line("round trips", &latency.round_trips))?;
        writeln!(out, "{}", line("stalls here", &latency.stalls))?;
        if let Some(held_back) = latency.throttled_ms {
            writeln!(out, "{:NAME$} {held_back:.0} ms", "held back")?;
        }
        writeln!(out, "{:NAME$} {}", "so", latency.said)
    }
}
