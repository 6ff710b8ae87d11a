//! The manifests, with the validators that package registries have.

use crate::{succeeds, workspace};
use std::path::Path;
use std::process::Command;

/// A validator from PyPI, which `cargo xtask test` installs.
fn validator(name: &str) -> Command {
    let folder = std::env::var("CACHE_HEALTH_VALIDATORS").expect("cargo xtask test sets it");
    let mut command = Command::new(Path::new(&folder).join("bin").join(name));
    command.current_dir(workspace());
    command
}

#[test]
#[ignore = "needs kubernetes-validate of PyPI: cargo xtask test"]
fn the_kubernetes_manifest_fits_the_published_schemas() {
    for manifest in [
        "deploy/kubernetes/deployment.yaml",
        "deploy/spin/deployment.yaml",
    ] {
        let mut command = validator("kubernetes-validate");
        command.args(["--strict", manifest]);
        succeeds(&command.output().expect("it runs"));
    }
}

#[test]
#[ignore = "needs check-jsonschema of PyPI: cargo xtask test"]
fn the_workflows_fit_the_published_schema() {
    for path in crate::workflows::WORKFLOWS {
        let mut command = validator("check-jsonschema");
        command.args(["--builtin-schema", "vendor.github-workflows", path]);
        succeeds(&command.output().expect("it runs"));
    }
}

#[test]
#[ignore = "needs pycep of PyPI: cargo xtask test"]
fn the_bicep_files_can_be_read_and_agree_with_each_other() {
    let mut python = validator("python");
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
alerts = pycep.BicepParser().parse(text=pathlib.Path("deploy/observability/azure/alerts.bicep").read_text())
assert {"logAlerts", "metricAlert", "lines"} <= set(alerts["resources"]), set(alerts["resources"])
print("read", len(main["modules"]), "modules")
"#;
    let said = succeeds(&python.args(["-c", script]).output().expect("it runs"));
    assert!(said.contains("read 3 modules"), "{said}");
}

/// What a manifest says, without what it says about itself.
fn lines(manifest: &str) -> Vec<&str> {
    let lines = manifest.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect()
}

#[test]
fn the_manifest_of_the_spin_image_is_that_of_the_repository() {
    let read = |path| std::fs::read_to_string(workspace().join(path)).expect("a manifest");
    let (repository, image) = (read("spin.toml"), read("deploy/spin/container-apps.toml"));
    // In the image nothing is built, and Container Apps' own variables have another provider.
    let (repository, _) = repository
        .split_once("[component.cache-health.build]")
        .expect("it builds");
    let renamed = repository
        .replace("identity_endpoint = {", "endpoint = {")
        .replace("identity_header = {", "header = {")
        .replace("{{ identity_endpoint }}", "{{ endpoint }}")
        .replace("{{ identity_header }}", "{{ header }}");
    assert_eq!(lines(&renamed), lines(&image));
}
