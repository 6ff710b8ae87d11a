//! The workflows run nothing that can be changed behind our back.

use crate::workspace;

/// Every workflow.
pub const WORKFLOWS: [&str; 3] = [
    ".github/workflows/ci.yml",
    ".github/workflows/advisories.yml",
    ".github/workflows/release.yml",
];

#[test]
fn every_action_is_pinned_to_a_commit() {
    for path in WORKFLOWS {
        let workflow = std::fs::read_to_string(workspace().join(path)).expect("read");
        for line in workflow.lines().filter(|line| line.contains("uses:")) {
            let commit = line
                .split('@')
                .nth(1)
                .and_then(|rest| rest.split(' ').next());
            let commit = commit.unwrap_or_default();
            let pinned = commit.len() == 40 && commit.chars().all(|c| c.is_ascii_hexdigit());
            assert!(pinned, "{line}");
        }
    }
}
