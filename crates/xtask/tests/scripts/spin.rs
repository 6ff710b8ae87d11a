//! `deploy/spin/up.sh`, with a fake `spin`.

use crate::{succeeds, text, workspace};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output};

/// Runs it with a `spin` of this version, which prints its arguments and its variables.
fn up(version: &str, arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    let spin = folder.path().join("spin");
    let script = format!(
        "#!/bin/sh\nif [ \"$1\" = --version ]; then echo \"{version}\"; exit; fi\necho \"$@\"; env | grep ^SPIN_VARIABLE_\n"
    );
    std::fs::write(&spin, script).expect("written");
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&spin, executable).expect("set");
    Command::new("/bin/sh")
        .arg(workspace().join("deploy/spin/up.sh"))
        .args(arguments)
        .env_clear()
        .env("PATH", format!("{}:/usr/bin:/bin", folder.path().display()))
        .env("REDIS_HOST", "cache.example")
        .env("IDENTITY_ENDPOINT", "http://localhost:1/token")
        .output()
        .expect("sh runs")
}

#[test]
fn up_gives_instances_a_longer_life_and_takes_container_apps_names() {
    let said = succeeds(&up(
        "spin 4.1.0 (abc 2026-09-01)",
        &["--listen", "0.0.0.0:8080"],
    ));
    for part in [
        "--idle-instance-timeout 60s",
        "--max-instance-reuse-count 10000",
        "--listen 0.0.0.0:8080",
        "SPIN_VARIABLE_REDIS_HOST=cache.example",
        "SPIN_VARIABLE_IDENTITY_ENDPOINT=http://localhost:1/token",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
}

#[test]
fn up_says_what_is_wrong_with_an_older_spin() {
    for (version, says) in [
        (
            "spin 4.0.2 (abc 2026-05-01)",
            "this is Spin 4.0.2, which does not have WASI 0.3.0",
        ),
        ("spin 3.6.3", "this is Spin 3.6.3"),
        ("something else", "cannot read the version"),
        ("", "cannot read the version"),
    ] {
        let output = up(version, &[]);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{version}: {}",
            text(&output)
        );
        assert!(text(&output).contains(says), "{version}: {}", text(&output));
    }
}
