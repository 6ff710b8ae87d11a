//! The last word of a bare `cargo test`: how many tests it left out, and how they are run. No test runner of its own, as
//! that would keep what a passing test prints to itself.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Set by `cargo xtask test`, which leaves nothing out in silence.
const EVERYTHING_RUNS: &str = "CACHE_HEALTH_PROGRAM";
/// Set where nothing may be left out.
const REQUIRE_ALL: &str = "CACHE_HEALTH_REQUIRE_ALL";

fn main() -> ExitCode {
    let listed = std::env::args().any(|argument| argument == "--list");
    if listed || std::env::var_os(EVERYTHING_RUNS).is_some() {
        return ExitCode::SUCCESS;
    }
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let of_the_program = count(&workspace.join("tests"), "#[test]");
    let of_tools = count(&workspace.join("crates/xtask/tests"), "#[ignore = \"");
    println!(
        "left out: {of_the_program} tests that need the built program, and {of_tools} more that need a tool; \
         all there are: cargo xtask test"
    );
    if std::env::var_os(REQUIRE_ALL).is_some() {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// How many lines of the Rust files under a folder begin with this.
fn count(folder: &Path, what: &str) -> usize {
    let lines = |file: PathBuf| {
        let text = std::fs::read_to_string(file).expect("UTF-8");
        text.lines().filter(|line| line.starts_with(what)).count()
    };
    files(folder).into_iter().map(lines).sum()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .flat_map(|path| match path.extension() {
            _ if path.is_dir() => files(&path),
            Some(extension) if extension == "rs" => vec![path],
            _ => Vec::new(),
        })
        .collect()
}
