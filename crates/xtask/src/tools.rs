//! What some tests need beyond the program, and where it is.

use crate::shell::stdout;
use crate::{image, install, javascript, python, registries};
use anyhow::{Result, anyhow, ensure};
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
pub const TOOLS: [Tool; 14] = [
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
        name: "jco, componentize-qjs and Node from npm",
        tests: &["javascript::"],
        takes_minutes: true,
        prepare: || told("CACHE_HEALTH_JAVASCRIPT", javascript::examples()),
    },
    Tool {
        name: "valgrind",
        tests: &["cost::"],
        takes_minutes: true,
        prepare: || {
            install::valgrind()?;
            told("CACHE_HEALTH_IMAGE_PROGRAM", image::program())
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
            let said = stdout(Command::new("spin").arg("--version"));
            let said = said.map_err(|_| anyhow!("no `spin` on PATH"))?;
            ensure!(
                has_wasi_0_3(&said),
                "{} has no WASI 0.3.0, which came with 4.1",
                said.trim()
            );
            Ok(None)
        },
    },
];

/// Whether this is what `spin --version` says from 4.1 on: `spin 4.1.0 (b1af1a5 2026-09-01)`.
fn has_wasi_0_3(said: &str) -> bool {
    let version = said.split(' ').nth(1).unwrap_or_default();
    let mut numbers = version.split('.').map_while(|part| part.parse().ok());
    let version: (u32, u32) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    version >= (4, 1)
}

#[cfg(test)]
mod tests {
    use super::has_wasi_0_3;

    #[test]
    fn a_spin_before_4_1_is_too_old() {
        for new in [
            "spin 4.1.0-pre0 (local local)",
            "spin 4.1.0 (a 2026-09-01)",
            "spin 5.0.0",
        ] {
            assert!(has_wasi_0_3(new), "{new}");
        }
        for old in ["spin 4.0.2 (a 2026-05-01)", "spin 3.6.3", "", "spin"] {
            assert!(!has_wasi_0_3(old), "{old}");
        }
    }
}
