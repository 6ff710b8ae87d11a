//! The matrix as a table: for `docs/faults.md`, and for the end of a run.

use super::row::{OnSpin, Row};
use super::scene::{DEADLINE, INTERVAL};
use std::fmt::Write as _;
use std::time::Duration;

/// How a row went.
pub struct Outcome {
    pub fault: &'static str,
    /// How long the verdict and the recovery took; or what was wrong.
    pub result: Result<(Duration, Duration), String>,
}

/// What makes the table in the documentation anew.
pub const BLESS: &str = "BLESS=1 cargo xtask test the_table_in_the_documentation";

/// The table for readers.
pub fn document(rows: &[Row]) -> String {
    let mut text = format!(
        "# Faults and verdicts\n\n\
         <!-- Made from tests/faults/ by `{BLESS}`; a test compares them. -->\n\n\
         What the verdict is for each fault, on the standalone host and on Spin. Each row is a test on real \
         parts: the fault is made, the first\ncheck after that has to give this verdict, and the \
         first check after the fault ends has to pass again, without a restart. A verdict\ntakes the \
         deadline of a check at most ({} ms in the tests), a recovery two sampling intervals ({} s \
         in the tests; nearly all take\nmilliseconds). No output holds a secret: every run logs at \
         trace and is searched.\n\n\
         On Spin, `redis:connect` stands for `redis:dns`, `redis:tcp`, `redis:tls` and `redis:auth`; \
         \"the same\" is meant so.\n",
        DEADLINE.as_millis(),
        INTERVAL.as_secs() * 2
    );
    let mut group = "";
    for row in rows {
        if row.group != group {
            group = row.group;
            let head = "| fault | verdict | kind | step | on Spin |\n|---|---|---|---|---|";
            // Writing to a string cannot fail.
            let _ = writeln!(text, "\n## {group}\n\n{head}");
        }
        let [status, kind, step] = row.expect.cells();
        let spin = match row.spin {
            OnSpin::Same => "the same".to_owned(),
            OnSpin::Differs(expect, why) => {
                format!("{}: {why}", expect.cells().join(" ").trim())
            }
            OnSpin::Absent(why) => format!("not there: {why}"),
        };
        let _ = writeln!(
            text,
            "| {} | {status} | {kind} | {step} | {spin} |",
            row.fault
        );
    }
    text
}

/// The table at the end of a run: rows passed / total.
pub fn summary(host: &str, outcomes: &[Outcome]) -> String {
    let mut text = format!("\nThe fault matrix on {host}\n");
    for outcome in outcomes {
        let line = match &outcome.result {
            Ok((verdict, recovery)) => format!(
                "  ok       {:48} verdict {:>5} ms, recovery {:>5} ms",
                outcome.fault,
                verdict.as_millis(),
                recovery.as_millis()
            ),
            Err(why) => format!("  FAILED   {:48} {why}", outcome.fault),
        };
        let _ = writeln!(text, "{line}");
    }
    let passed = outcomes.iter().filter(|o| o.result.is_ok()).count();
    let _ = writeln!(text, "rows passed / total: {passed} / {}", outcomes.len());
    text
}
