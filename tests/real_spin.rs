//! A real `spin up`, where there is one.

use crate::spin_host::Application;
use cache_health_guests::Guests;
use cache_health_local_azure::port;
use cache_health_report::Document;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long Spin may take to compile the application and start.
const START: Duration = Duration::from_secs(120);
/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(15);
const LOOK: Duration = Duration::from_millis(50);

/// Whether `spin` is on PATH.
pub fn is_there() -> bool {
    Command::new("spin")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// A fresh verdict of the repository's own `spin.toml`, with what HTTP says.
pub fn verdict(application: &Application) -> (u16, Document) {
    let spin = Spin::up(application);
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(ANSWER))
        .build()
        .into();
    let until = Instant::now() + START;
    while agent.get(format!("{}/livez", spin.url)).call().is_err() {
        assert!(Instant::now() < until, "spin up does not start");
        std::thread::sleep(LOOK);
    }
    let url = format!("{}/healthz?fresh=1", spin.url);
    let mut response = agent.get(url).call().expect("an answer");
    let body = response.body_mut().read_to_string().expect("UTF-8");
    let document = crate::support::document::read(&body);
    (response.status().as_u16(), document)
}

struct Spin {
    process: Child,
    url: String,
    _folder: tempfile::TempDir,
}

impl Spin {
    fn up(application: &Application) -> Self {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let manifest = std::fs::read_to_string(workspace.join("spin.toml")).expect("spin.toml");
        // What was just built, rather than what may lie in dist/.
        let built = Guests::built(&workspace).spin_app();
        let built = built.canonicalize().expect("built").display().to_string();
        let manifest = manifest.replace("dist/cache-health-spin-app.wasm", &built);
        assert!(manifest.contains(&built), "spin.toml names another file");
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("spin.toml");
        std::fs::write(&file, manifest).expect("written");

        let address = format!("127.0.0.1:{}", port::any_free().expect("a port"));
        let mut command = Command::new("spin");
        command
            .args(["up", "--quiet", "--listen", &address, "-f"])
            .arg(&file)
            .env("SSL_CERT_FILE", &application.ca_file)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        for (name, value) in &application.variables {
            command.env(
                format!("SPIN_VARIABLE_{}", name.to_ascii_uppercase()),
                value,
            );
        }
        let process = command.spawn().expect("spin runs");
        Self {
            process,
            url: format!("http://{address}"),
            _folder: folder,
        }
    }
}

impl Drop for Spin {
    fn drop(&mut self) {
        // SIGTERM reaches the trigger, which is a process of its own; SIGKILL would not.
        let _ = Command::new("kill")
            .args(["-TERM", &self.process.id().to_string()])
            .status();
        let _ = self.process.wait();
    }
}
