//! What some tests need beyond the program, and where it is.

use crate::shell::succeeds;
use crate::{image, install, python, registries};
use anyhow::{Result, ensure};
use std::path::PathBuf;
use std::process::Command;

/// A variable, and what it tells the tests.
pub type Told = Option<(&'static str, String)>;

/// Something that not every machine has.
pub struct Tool {
    /// Its name.
    pub name: &'static str,
    /// Where the tests are that need it: parts of their paths.
    pub tests: &'static [&'static str],
    /// Whether it takes minutes.
    pub takes_minutes: bool,
    /// Installs and builds what is needed; returns the variable that tells the tests where it is.
    pub prepare: fn() -> Result<Told>,
}

fn told(variable: &'static str, place: Result<PathBuf>) -> Result<Told> {
    Ok(Some((variable, place?.display().to_string())))
}

/// All of them.
pub const TOOLS: [Tool; 12] = [
    Tool {
        name: "root",
        tests: &["as_root::"],
        takes_minutes: false,
        prepare: || {
            ensure!(install::is_root(), "this user is not root");
            Ok(None)
        },
    },
    Tool {
        name: "prometheus",
        tests: &["metrics::prometheus::"],
        takes_minutes: false,
        prepare: || install::prometheus().map(|()| None),
    },
    Tool {
        name: "shellcheck",
        tests: &["lint::"],
        takes_minutes: false,
        prepare: || install::shellcheck().map(|()| None),
    },
    Tool {
        name: "openssl",
        tests: &["credentials::certificate::", "with_openssl::"],
        takes_minutes: false,
        prepare: || install::openssl().map(|()| None),
    },
    Tool {
        name: "validators from PyPI",
        tests: &["manifests::"],
        takes_minutes: false,
        prepare: || told("CACHE_HEALTH_VALIDATORS", registries::validators()),
    },
    Tool {
        name: "Microsoft's parser of KQL from npm",
        tests: &["kql::"],
        takes_minutes: false,
        prepare: || told("CACHE_HEALTH_KUSTO", registries::kusto()),
    },
    Tool {
        name: "Microsoft's clients from PyPI and npm",
        tests: &["clients::released::"],
        takes_minutes: false,
        prepare: || told("CACHE_HEALTH_CLIENTS", registries::clients()),
    },
    Tool {
        name: "chromium, playwright-core and axe-core",
        tests: &["page::browser::"],
        takes_minutes: false,
        prepare: || told("CACHE_HEALTH_BROWSER", registries::browser()),
    },
    Tool {
        name: "grpcio and opentelemetry-proto from PyPI",
        tests: &["telemetry::exports::"],
        takes_minutes: false,
        prepare: || told("CACHE_HEALTH_COLLECTOR", registries::collector()),
    },
    Tool {
        name: "componentize-py",
        tests: &["python::"],
        takes_minutes: true,
        prepare: || told("CACHE_HEALTH_PYTHON_APP", python::example()),
    },
    Tool {
        name: "podman",
        tests: &["image::"],
        takes_minutes: true,
        prepare: || {
            install::podman()?;
            image::build(image::TAG)?;
            Ok(Some(("CACHE_HEALTH_IMAGE", image::TAG.to_owned())))
        },
    },
    Tool {
        name: "spin",
        tests: &["real_spin::"],
        takes_minutes: true,
        prepare: || {
            let there = succeeds(Command::new("spin").arg("--version"));
            ensure!(there, "no `spin` on PATH");
            Ok(None)
        },
    },
];
