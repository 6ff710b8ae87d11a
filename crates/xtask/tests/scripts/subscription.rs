//! A subscription that the scripts find: an `az` that knows each command's required options (`crates/xtask/tests/az/`)
//! and keeps what it was told.

use crate::{succeeds, workspace};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Output};
use tempfile::TempDir;

pub const PRINCIPAL: &str = "8a1f0000-0000-0000-0000-000000000001";
pub const LOG: &str = r#"{"timestamp":"t","level":"INFO","message":"SET succeeded","command":"SET","key":"health","method":"entra","principal":"8a1f","port":6380,"tls":"TLSv1.3","target":"x"}
{"timestamp":"t","level":"INFO","message":"GET succeeded","command":"GET","key":"health","method":"entra","principal":"8a1f","port":6380,"tls":"TLSv1.3","target":"x"}
"#;

/// A subscription with an app and a cache in it, as far as the fake `az` is asked.
pub struct Subscription {
    folder: TempDir,
}

impl Subscription {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let subscription = Self { folder };
        for file in ["az", "commands.tsv"] {
            let from = workspace().join("crates/xtask/tests/az").join(file);
            std::fs::copy(from, subscription.path(file)).expect("copied");
        }
        let executable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(subscription.path("az"), executable).expect("allowed");
        subscription.has("log", LOG);
        subscription
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What `az` answers to a question; or the log.
    pub fn has(&self, question: &str, answer: &str) {
        std::fs::write(self.path(question), answer).expect("written");
    }

    /// The identity has access to the cache with this policy already.
    pub fn has_access(&self, name: &str, policy: &str) {
        self.has("assignments", &format!("{name}\t{policy}\t{PRINCIPAL}\n"));
    }

    pub fn access(&self) -> String {
        std::fs::read_to_string(self.path("assignments")).unwrap_or_default()
    }

    pub fn run(&self, script: &str, arguments: &[&str]) -> Output {
        self.with_az(script_of(script).args(arguments))
    }

    /// Runs a command as a reader would paste it.
    pub fn shell(&self, command: &str) -> Output {
        self.with_az(Command::new("bash").env_clear().args(["-c", command]))
    }

    fn with_az(&self, command: &mut Command) -> Output {
        command
            .env(
                "PATH",
                format!("{}:/usr/bin:/bin", self.folder.path().display()),
            )
            .env("AZ_CALLS", self.path("calls"))
            .env("AZ_LOGS", self.path("log"))
            .env("AZ_STATE", self.folder.path())
            .output()
            .expect("bash")
    }

    pub fn calls(&self) -> String {
        std::fs::read_to_string(self.path("calls")).unwrap_or_default()
    }
}

/// A script with the recipe's variables and no `az` in reach.
pub fn script_of(name: &str) -> Command {
    let mut command = Command::new("bash");
    command
        .arg(workspace().join("deploy/azure").join(name))
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .envs([
            ("APP_NAME", "shop"),
            ("RG", "rg"),
            ("REDIS_NAME", "shop-cache"),
        ]);
    command
}

/// Runs `deploy.sh` with these arguments in a new subscription; returns what `az` was told.
pub fn deploys(arguments: &[&str]) -> (Subscription, String) {
    let subscription = Subscription::new();
    let image = ["--image", "registry.example/cache-health:0.1.0"];
    let arguments = [&image, arguments].concat();
    succeeds(&subscription.run("deploy.sh", &arguments));
    let calls = subscription.calls();
    (subscription, calls)
}
