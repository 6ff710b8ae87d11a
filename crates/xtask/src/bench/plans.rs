//! What is measured side by side.

use super::service::Plan;
use crate::build::target;
use crate::image::{self, built};
use crate::install::{self, MUSL, from_pypi};
use crate::shell::{cargo, check, say, stdout, workspace};
use anyhow::Result;
use cache_health_artifacts::{Artifacts, Component};
use cache_health_local_azure::LocalAzure;
use std::path::PathBuf;
use std::process::Command;

/// A fresh check.
const FRESH: &str = "/healthz?fresh=1";

/// Builds and installs what is there to be measured; says what is not. The first two are ours and the native service.
pub fn all(azure: &LocalAzure) -> Result<Vec<Plan>> {
    let mut plans = judging()?;
    plans.push(native("connect per probe", "/connect"));
    match python() {
        Ok(plan) => plans.push(plan),
        Err(why) => say(&format!("LEFT OUT: Python: {why:#}")),
    }
    match spin(azure) {
        Ok(plan) => plans.push(plan),
        Err(why) => say(&format!("LEFT OUT: Spin: {why:#}")),
    }
    Ok(plans)
}

/// What a change of the code is judged by: ours, the native service, and the least that a component costs.
pub fn judging() -> Result<Vec<Plan>> {
    install::redis_server()?;
    let program = image::program()?;
    say("building the native service and the load");
    let package = ["-p", "cache-health-bench"];
    let profile = ["build", "--profile", image::PROFILE, "--target", MUSL];
    check(cargo(&profile).args(package))?;
    let services = [ours(program), native("native", "/healthz"), floor()];
    Ok(services.into())
}

fn ours(program: PathBuf) -> Plan {
    Plan {
        name: "cache-health",
        command: vec![program.display().to_string(), "serve".to_owned()],
        environment: owned(&[
            ("CACHE_HEALTH_LISTEN", "{address}"),
            ("REDIS_AUTH", "access-key"),
            // What is measured is what a check costs, and not how few of them there may be.
            ("CACHE_HEALTH_MAX_CONNECTIONS_PER_SECOND", "1000000"),
            ("CACHE_HEALTH_MAX_CHECKS_PER_SECOND", "1000000"),
        ]),
        check: FRESH,
        probe: "/readyz",
        files: vec![program],
    }
}

fn native(name: &'static str, check: &'static str) -> Plan {
    let program = built("baseline");
    Plan {
        name,
        command: vec![program.display().to_string()],
        environment: owned(&[("BASELINE_LISTEN", "{address}")]),
        check,
        probe: check,
        files: vec![program],
    }
}

/// The native service with the smallest component in the middle.
fn floor() -> Plan {
    let artifacts = Artifacts::of(&workspace());
    artifacts.build(&[Component::Smallest]);
    let code = target().join("bench.smallest.cwasm");
    artifacts.precompile(&artifacts.component(Component::Smallest), MUSL, &code);
    let program = built("floor");
    Plan {
        name: "smallest component",
        command: vec![program.display().to_string()],
        environment: owned(&[
            ("BASELINE_LISTEN", "{address}"),
            ("FLOOR_COMPONENT", &code.display().to_string()),
        ]),
        check: "/healthz",
        probe: "/healthz",
        files: vec![program, code],
    }
}

fn python() -> Result<Plan> {
    let venv = target().join("python-service");
    let packages = [
        "starlette==1.10.0",
        "uvicorn==0.54.0",
        "redis==8.1.0",
        "redis-entraid==1.2.2",
    ];
    from_pypi(&venv, &packages)?;
    let uvicorn = venv.join("bin/uvicorn").display().to_string();
    let folder = workspace().join("crates/bench/src").display().to_string();
    let script = "exec \"$0\" --app-dir \"$1\" service:app --log-level warning --host 127.0.0.1 --port \"${2##*:}\"";
    Ok(Plan {
        name: "Python",
        command: ["/bin/sh", "-c", script, &uvicorn, &folder, "{address}"]
            .map(str::to_owned)
            .into(),
        environment: Vec::new(),
        check: "/healthz",
        probe: "/healthz",
        files: vec![venv],
    })
}

fn spin(azure: &LocalAzure) -> Result<Plan> {
    let program = stdout(Command::new("/bin/sh").args(["-c", "command -v spin"]))?;
    let artifacts = Artifacts::of(&workspace());
    artifacts.compose();
    // The manifest, with what was just built.
    let app = artifacts.spin_app();
    let manifest = std::fs::read_to_string(workspace().join("spin.toml"))?;
    let manifest = manifest.replace(
        "dist/cache-health-spin-app.wasm",
        &app.display().to_string(),
    );
    let file = target().join("bench.spin.toml");
    std::fs::write(&file, manifest)?;
    let arguments = [
        "up",
        "--quiet",
        "--listen",
        "{address}",
        "--idle-instance-timeout",
        "60s",
    ];
    let more = ["--max-instance-reuse-count", "1000000", "-f"];
    let file = file.display().to_string();
    let command = ["spin"]
        .into_iter()
        .chain(arguments)
        .chain(more)
        .chain([file.as_str()]);
    let port = azure.redis.port().to_string();
    let ca_file = azure.redis.ca_file().display().to_string();
    Ok(Plan {
        name: "Spin",
        command: command.map(str::to_owned).collect(),
        environment: owned(&[
            ("SPIN_VARIABLE_REDIS_HOST", "localhost"),
            ("SPIN_VARIABLE_REDIS_PORT", &port),
            ("SPIN_VARIABLE_REDIS_AUTH", "access-key"),
            ("SPIN_VARIABLE_REDIS_ACCESS_KEY", &azure.access_key),
            ("SSL_CERT_FILE", &ca_file),
        ]),
        check: FRESH,
        probe: "/readyz",
        files: vec![program.trim().into(), app],
    })
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = pairs
        .iter()
        .map(|&(name, value)| (name.to_owned(), value.to_owned()));
    owned.collect()
}
