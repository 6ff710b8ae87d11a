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
    let mut command = validator("kubernetes-validate");
    command.args(["--strict", "deploy/kubernetes/deployment.yaml"]);
    succeeds(&command.output().expect("it runs"));
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
