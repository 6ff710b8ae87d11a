//! The WIT package is frozen per version: other people's components are written against it. What it
//! says may be worded better at any time; what it declares may only change with its version.

use std::path::{Path, PathBuf};

const FILES: [&str; 5] = [
    "world.wit",
    "settings.wit",
    "credentials.wit",
    "redis.wit",
    "health.wit",
];

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// What the package declares: everything but comments and white space.
fn declared() -> String {
    FILES
        .iter()
        .flat_map(|file| {
            let text = std::fs::read_to_string(workspace().join("wit").join(file)).expect("WIT");
            let lines: Vec<String> = text
                .lines()
                .map(|line| {
                    line.split("//")
                        .next()
                        .unwrap_or_default()
                        .trim()
                        .to_owned()
                })
                .filter(|line| !line.is_empty())
                .collect();
            lines
        })
        .map(|line| line + "\n")
        .collect()
}

fn version(declared: &str) -> &str {
    let package = declared
        .lines()
        .find_map(|line| line.strip_prefix("package cache-health:probe@"));
    package
        .and_then(|rest| rest.strip_suffix(';'))
        .expect("a version")
}

#[test]
fn what_the_package_declares_only_changes_with_its_version() {
    let declared = declared();
    let name = format!("cache-health-probe@{}.txt", version(&declared));
    let file = workspace().join("tests/wit").join(&name);
    if !file.exists() && std::env::var_os("BLESS").is_some() {
        std::fs::write(&file, &declared).expect("written");
    }
    let frozen = std::fs::read_to_string(&file).unwrap_or_else(|_| {
        panic!("tests/wit/{name} is missing: a new version is frozen with BLESS=1 cargo test")
    });
    assert!(
        frozen == declared,
        "wit/ differs from what version {} froze: give the package a new version",
        version(&declared)
    );
}

#[test]
fn every_declaration_is_documented() {
    for file in FILES {
        let text = std::fs::read_to_string(workspace().join("wit").join(file)).expect("WIT");
        let mut documented = false;
        for line in text.lines().map(str::trim) {
            let declares = line.ends_with(',')
                || line.ends_with('{')
                || line.contains(": func")
                || line.contains("async func")
                || line.starts_with("import ");
            let exempt = line.starts_with("use ") || line.starts_with("export ");
            if declares && !exempt && !line.starts_with("///") {
                assert!(documented, "{file}: no doc before `{line}`");
            }
            documented = line.starts_with("///");
        }
    }
}
