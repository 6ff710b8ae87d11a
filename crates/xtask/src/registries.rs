//! What some tests need from PyPI and npm, each in a folder of its own below target/. The versions are those that were tried.

use crate::build::target;
use crate::install::{self, from_npm, from_pypi};
use anyhow::Result;
use std::path::PathBuf;

/// What checks the manifests.
pub fn validators() -> Result<PathBuf> {
    let packages = [
        "pycep-parser==0.7.1",
        "kubernetes-validate==1.37.0",
        "check-jsonschema==0.39.0",
    ];
    python("validators", &packages)
}

/// Microsoft's own clients: what the stand-ins for Azure are held to.
pub fn clients() -> Result<PathBuf> {
    let packages = [
        "azure-identity==1.27.0",
        "redis==8.1.0",
        "redis-entraid==1.2.2",
    ];
    python("clients/venv", &packages)?;
    javascript("clients", &[("@azure/identity", "4.13.1")])
}

/// Microsoft's own parser of KQL.
pub fn kusto() -> Result<PathBuf> {
    javascript("kusto", &[("@kusto/language-service-next", "12.4.1")])
}

/// What looks at the status page: Debian's Chromium, what drives it, and what judges it.
pub fn browser() -> Result<PathBuf> {
    install::chromium()?;
    let packages = [("playwright-core", "1.64.1"), ("axe-core", "4.14.1")];
    javascript("browser", &packages)
}

/// What the tests' OpenTelemetry collector is made of.
pub fn collector() -> Result<PathBuf> {
    let packages = ["grpcio==1.85.3", "opentelemetry-proto==1.45.2"];
    python("collector", &packages)
}

fn python(folder: &str, packages: &[&str]) -> Result<PathBuf> {
    let venv = target().join(folder);
    from_pypi(&venv, packages)?;
    Ok(venv)
}

fn javascript(folder: &str, packages: &[(&str, &str)]) -> Result<PathBuf> {
    let folder = target().join(folder);
    from_npm(&folder, packages)?;
    Ok(folder)
}
