//! What some tests need beyond the program, and where it is.

use crate::shell::succeeds;
use crate::{browser, clients, collector, image, install, kusto, python, validators};
use anyhow::{Result, ensure};
use std::process::Command;

/// Something that not every machine has.
pub struct Tool {
    /// Its name.
    pub name: &'static str,
    /// Where the tests are that need it: parts of their paths.
    pub tests: &'static [&'static str],
    /// Whether it takes minutes.
    pub takes_minutes: bool,
    /// Installs and builds what is needed; returns the variable that tells the tests where it is.
    pub prepare: fn() -> Result<Option<(&'static str, String)>>,
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
        prepare: || {
            let folder = validators::install()?;
            Ok(Some((
                "CACHE_HEALTH_VALIDATORS",
                folder.display().to_string(),
            )))
        },
    },
    Tool {
        name: "Microsoft's parser of KQL from npm",
        tests: &["kql::"],
        takes_minutes: false,
        prepare: || {
            let folder = kusto::install()?;
            Ok(Some(("CACHE_HEALTH_KUSTO", folder.display().to_string())))
        },
    },
    Tool {
        name: "Microsoft's clients from PyPI and npm",
        tests: &["clients::released::"],
        takes_minutes: false,
        prepare: || {
            let folder = clients::install()?;
            Ok(Some(("CACHE_HEALTH_CLIENTS", folder.display().to_string())))
        },
    },
    Tool {
        name: "chromium, playwright-core and axe-core",
        tests: &["page::browser::"],
        takes_minutes: false,
        prepare: || {
            let folder = browser::install()?;
            Ok(Some(("CACHE_HEALTH_BROWSER", folder.display().to_string())))
        },
    },
    Tool {
        name: "grpcio and opentelemetry-proto from PyPI",
        tests: &["telemetry::exports::"],
        takes_minutes: false,
        prepare: || {
            let folder = collector::install()?;
            let folder = folder.display().to_string();
            Ok(Some(("CACHE_HEALTH_COLLECTOR", folder)))
        },
    },
    Tool {
        name: "componentize-py",
        tests: &["python::"],
        takes_minutes: true,
        prepare: || {
            let app = python::example()?;
            Ok(Some(("CACHE_HEALTH_PYTHON_APP", app.display().to_string())))
        },
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
