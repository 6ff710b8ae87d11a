//! The manifests, with the validators that package registries have.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[track_caller]
fn succeeds(output: &Output) -> String {
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success(), "{text}");
    text
}

/// A validator from PyPI, where `cargo xtask test` could install them.
fn validator(name: &str) -> Option<Command> {
    let Some(folder) = std::env::var_os("CACHE_HEALTH_VALIDATORS") else {
        eprintln!("SKIPPED: {name} (run `cargo xtask test`, which installs it from PyPI)");
        return None;
    };
    let mut command = Command::new(Path::new(&folder).join("bin").join(name));
    command.current_dir(workspace());
    Some(command)
}

#[test]
fn the_kubernetes_manifest_fits_the_published_schemas() {
    if let Some(mut command) = validator("kubernetes-validate") {
        let manifest = "deploy/kubernetes/deployment.yaml";
        succeeds(
            &command
                .args(["--strict", manifest])
                .output()
                .expect("it runs"),
        );
    }
}

#[test]
fn the_workflows_fit_the_published_schema_and_pin_their_actions() {
    for path in [
        ".github/workflows/ci.yml",
        ".github/workflows/advisories.yml",
    ] {
        fits_and_pins(path);
    }
}

fn fits_and_pins(path: &str) {
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
    if let Some(mut command) = validator("check-jsonschema") {
        command.args(["--builtin-schema", "vendor.github-workflows", path]);
        succeeds(&command.output().expect("it runs"));
    }
}

#[test]
fn the_bicep_files_can_be_read_and_agree_with_each_other() {
    let Some(mut python) = validator("python") else {
        return;
    };
    // No registry has the Bicep compiler. The parser finds errors of syntax; that each module is
    // given what it asks for is compared here.
    let script = r#"
import sys, pathlib, pycep
folder = pathlib.Path("deploy/azure")
parse = lambda name: pycep.BicepParser().parse(text=(folder / name).read_text())
main = parse("main.bicep")
for module in main["modules"].values():
    asked = parse(module["detail"]["path"])["parameters"]
    given = set(module["config"]["params"])
    needed = {name for name, value in asked.items() if not value.get("default")}
    assert given <= set(asked), (module, given - set(asked))
    assert needed <= given, (module, needed - given)
print("read", len(main["modules"]), "modules")
"#;
    let said = succeeds(&python.args(["-c", script]).output().expect("it runs"));
    assert!(said.contains("read 3 modules"), "{said}");
}
