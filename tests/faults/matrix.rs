//! The fault matrix on the standalone host and on the Spin composition: never a false green, never a stuck red.

use super::hosts::{Timing, on_spin, on_standalone_host};
use super::row::{OnSpin, Row};
use super::table::{self, Outcome};
use crate::fixtures::workspace;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Rows at once.
const WORKERS: usize = 3;

#[test]
fn every_row_on_the_standalone_host() {
    standalone_host(|row| !row.needs_root);
}

#[test]
fn every_row_on_the_spin_composition() {
    spin_composition(|row| !row.needs_root);
}

#[test]
fn the_table_in_the_documentation_is_the_one_that_is_tested() {
    let path = workspace().join("docs/faults.md");
    let made = table::document(&super::rows());
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &made).expect("written");
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        kept == made,
        "docs/faults.md is out of date: {}",
        table::BLESS
    );
}

/// These rows on the standalone host.
pub fn standalone_host(these: fn(&Row) -> bool) {
    let outcomes = run(these, |row| Some(on_standalone_host(row)));
    report("the standalone host", &outcomes);
}

/// These rows on the Spin composition.
pub fn spin_composition(these: fn(&Row) -> bool) {
    let outcomes = run(these, |row| match row.spin {
        OnSpin::Same => Some(on_spin(row, row.expect.on_spin())),
        OnSpin::Differs(expect, _) => Some(on_spin(row, expect)),
        OnSpin::Absent(_) => None,
    });
    report("the Spin composition", &outcomes);
}

/// Runs rows side by side. `None`: the row is not there on this host.
fn run(
    these: fn(&Row) -> bool,
    one: impl Fn(&Row) -> Option<Result<Timing, String>> + Sync,
) -> Vec<Outcome> {
    let only = std::env::var("FAULT").unwrap_or_default();
    let mut rows = super::rows();
    rows.retain(|row| these(row) && row.fault.contains(&only));
    let (next, outcomes) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some((at, row)) = {
            let at = next.fetch_add(1, Ordering::SeqCst);
            rows.get(at).map(|row| (at, row))
        } {
            // A row that panics is a row that failed; the others still count.
            let result = catch_unwind(AssertUnwindSafe(|| one(row)))
                .unwrap_or_else(|_| Some(Err("panicked; see above".to_owned())));
            if let Some(result) = result {
                let fault = row.fault;
                let outcome = Outcome { fault, result };
                outcomes.lock().expect("whole").push((at, outcome));
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(work);
        }
    });
    let mut outcomes = outcomes.into_inner().expect("whole");
    outcomes.sort_by_key(|(at, _)| *at);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

/// Prints the table, past the test runner, which would only show it of a run that failed.
fn report(host: &str, outcomes: &[Outcome]) {
    let text = table::summary(host, outcomes);
    let _ = std::io::stderr().write_all(text.as_bytes());
    let failed = outcomes.iter().any(|outcome| outcome.result.is_err());
    assert!(!failed, "see the table");
}
