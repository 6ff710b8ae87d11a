//! The image, run as Container Apps would run it: no user but a number, no file to write, nothing in
//! it but the program. `cargo xtask test` builds it and says which one in `CACHE_HEALTH_IMAGE`.

use crate::fixtures::{Azure, Check, told};
use std::io::Read as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What the contract gives a shutdown.
const DRAINED: Duration = Duration::from_secs(10);
/// How long a container may take to start, pulling nothing.
const START: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(50);

/// The image.
fn image() -> String {
    told("CACHE_HEALTH_IMAGE")
}

/// A container that runs; removed when dropped.
struct Container {
    process: Child,
    name: String,
}

impl Container {
    fn start(image: &str, check: &Check, ca_file: &str, arguments: &[&str]) -> Self {
        let name = format!("cache-health-{:08x}", fastrand::u32(..));
        let mut command = Command::new("podman");
        command
            // Debian's crun is not what this kernel lets run; runc is.
            .args(["--runtime", "runc", "run", "--rm", "--name", &name])
            .args(["--network=host", "--read-only", "--user", "65532"])
            .args([
                "--ulimit",
                "nofile=1024:1024",
                "--ulimit",
                "nproc=1024:1024",
            ])
            .args(["--volume", &format!("{ca_file}:/ca.pem:ro")]);
        for (variable, value) in check.environment() {
            let value = if variable == "REDIS_CA_FILE" {
                "/ca.pem"
            } else {
                value
            };
            command.arg("--env").arg(format!("{variable}={value}"));
        }
        let process = command
            .arg(image)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("podman");
        Self { process, name }
    }

    /// Waits for 200 on /readyz.
    fn wait_until_ready(&self, port: u16) {
        let url = format!("http://127.0.0.1:{port}/readyz");
        let until = Instant::now() + START;
        while ureq::get(&url).call().is_err() {
            assert!(
                Instant::now() < until,
                "not ready; {}",
                self.podman(&["logs"])
            );
            std::thread::sleep(LOOK);
        }
    }

    fn podman(&self, verb: &[&str]) -> String {
        let output = Command::new("podman").args(verb).arg(&self.name).output();
        String::from_utf8(output.expect("podman").stdout).expect("UTF-8")
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = Command::new("podman")
            .args(["rm", "--force", &self.name])
            .output();
        let _ = self.process.wait();
    }
}

/// A folder that another user may read: the image's is nobody of this machine.
fn readable(azure: &Azure) -> (tempfile::TempDir, String) {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ca.pem");
    std::fs::copy(azure.redis.ca_file(), &file).expect("copied");
    for path in [folder.path(), &file] {
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(path, open).expect("allowed");
    }
    let path = file.display().to_string();
    (folder, path)
}

#[test]
#[ignore = "needs podman: cargo xtask test"]
fn the_image_serves_as_nobody_on_a_read_only_root_and_drains() {
    let image = image();
    let azure = Azure::start();
    let (_folder, ca_file) = readable(&azure);
    let port = cache_health_local_azure::port::any_free().expect("a port");
    let check = azure
        .check_entra()
        .env("RUST_LOG", "info")
        .env("CACHE_HEALTH_LISTEN", format!("127.0.0.1:{port}"));
    let mut container = Container::start(&image, &check, &ca_file, &[]);

    container.wait_until_ready(port);
    let user = container.podman(&["inspect", "--format", "{{.Config.User}}"]);
    assert_eq!(user.trim(), "65532");
    let read_only = container.podman(&["inspect", "--format", "{{.HostConfig.ReadonlyRootfs}}"]);
    assert_eq!(read_only.trim(), "true");

    let started = Instant::now();
    container.podman(&["kill", "--signal", "TERM"]);
    let status = container.process.wait().expect("it ends");
    assert_eq!(status.code(), Some(0));
    assert!(started.elapsed() < DRAINED, "{:?}", started.elapsed());
    let mut log = String::new();
    let stderr = container.process.stderr.as_mut().expect("piped");
    stderr.read_to_string(&mut log).expect("UTF-8");
    assert!(
        log.contains("SET succeeded") && log.contains("drained"),
        "{log}"
    );
    assert!(!log.contains(&azure.token.text), "a secret in the log");
}

#[test]
#[ignore = "needs podman: cargo xtask test"]
fn the_image_checks_once_and_its_exit_code_is_the_verdict() {
    let image = image();
    let azure = Azure::start();
    let (_folder, ca_file) = readable(&azure);
    for (check, code) in [
        (azure.check_entra(), 0),
        (azure.check_entra().env("REDIS_PORT", "1"), 1),
        (azure.check(), 2),
    ] {
        let check = check.env("RUST_LOG", "error");
        let mut container = Container::start(&image, &check, &ca_file, &["check"]);
        let status = container.process.wait().expect("it ends");
        assert_eq!(status.code(), Some(code));
    }
}

#[test]
#[ignore = "needs podman: cargo xtask test"]
fn the_doctor_works_in_the_image_without_a_terminal_and_asks_the_probe_beside_it() {
    let image = image();
    let azure = Azure::start();
    let (_folder, ca_file) = readable(&azure);
    let port = cache_health_local_azure::port::any_free().expect("a port");
    let check = azure
        .check_key()
        .env("RUST_LOG", "error")
        .env("CACHE_HEALTH_LISTEN", format!("127.0.0.1:{port}"));
    let container = Container::start(&image, &check, &ca_file, &[]);
    container.wait_until_ready(port);
    azure
        .redis
        .command(&["CONFIG", "SET", "maxmemory", "1"])
        .expect("redis-cli");
    // As `az containerapp exec --command` runs it: a program and its arguments, no shell, no terminal.
    let output = Command::new("podman")
        .args(["--runtime", "runc", "exec", &container.name])
        .args(["/cache-health", "doctor"])
        .stdin(Stdio::null())
        .output()
        .expect("podman");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    println!("{text}");
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.is_ascii() && text.contains("FAIL data"), "{text}");
    assert!(text.contains("serve beside    "), "{text}");
    assert!(!text.contains("no cache-health answers"), "{text}");
    assert!(!text.contains(&azure.access_key), "a secret");
}

#[test]
#[ignore = "needs podman: cargo xtask test"]
fn there_is_nothing_in_the_image_but_the_program() {
    let image = image();
    let folder = tempfile::tempdir().expect("a folder");
    let archive = folder.path().join("image.tar");
    let saved = Command::new("podman")
        .args(["save", "--format", "oci-archive", "--output"])
        .arg(&archive)
        .arg(&image)
        .output()
        .expect("podman");
    assert!(saved.status.success());
    // Each layer of the archive is a tar itself; the names in all of them.
    let script = r#"set -e; cd "$1"; tar xf image.tar; for blob in blobs/sha256/*; do tar tzf "$blob" 2>/dev/null || tar tf "$blob" 2>/dev/null || true; done"#;
    let names = Command::new("sh")
        .args(["-c", script, "sh"])
        .arg(folder.path())
        .output()
        .expect("tar");
    let names = String::from_utf8(names.stdout).expect("UTF-8");
    assert_eq!(names.trim(), "cache-health");
    let size = std::fs::metadata(&archive).expect("saved").len();
    assert!(size < 15_000_000, "{size} bytes");
}
