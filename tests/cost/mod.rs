//! What a check costs: instructions and bytes, against what is written down in `expected.json`. A change that
//! costs more fails here, or says so by writing down the new number (`BLESS=1`).

mod allocations;
mod callgrind;
mod image;
mod size;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// What is written down.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    /// How much more is passed over, of one: what a compiler does otherwise, and what the machine's own noise is.
    tolerance: f64,
    costs: BTreeMap<String, f64>,
}

fn file() -> PathBuf {
    crate::fixtures::workspace().join("tests/cost/expected.json")
}

/// Tests run side by side, and all write into one file.
static FILE: Mutex<()> = Mutex::new(());

/// Compares these costs with what is written down.
#[track_caller]
fn compare(costs: &[(&str, f64)]) {
    let _file = FILE.lock().unwrap_or_else(PoisonError::into_inner);
    let text = std::fs::read_to_string(file()).expect("expected.json");
    let mut expected: Expected = serde_json::from_str(&text).expect("JSON");
    if std::env::var_os("BLESS").is_some() {
        let named = costs
            .iter()
            .map(|(name, cost)| ((*name).to_owned(), cost.round()));
        expected.costs.extend(named);
        let text = serde_json::to_string_pretty(&expected).expect("JSON");
        std::fs::write(file(), text + "\n").expect("written");
        return;
    }
    let mut wrong = Vec::new();
    for (name, cost) in costs {
        let written = expected.costs.get(*name);
        let written = *written.unwrap_or_else(|| panic!("{name} is not written down: BLESS=1"));
        let limit = written * (1.0 + expected.tolerance);
        println!("{name}: {cost:.0}, written down {written:.0}");
        if *cost > limit {
            wrong.push(format!(
                "{name}: {cost:.0} is more than {written:.0} and a tolerance"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
