//! The deployment scripts with a fake `az` that knows each command's required options
//! (`tests/az/`).

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

const PRINCIPAL: &str = "8a1f0000-0000-0000-0000-000000000001";
const LOG: &str = r#"{"timestamp":"t","level":"INFO","message":"SET succeeded","command":"SET","key":"health","method":"entra","principal":"8a1f","port":6380,"tls":"TLSv1.3","target":"x"}
{"timestamp":"t","level":"INFO","message":"GET succeeded","command":"GET","key":"health","method":"entra","principal":"8a1f","port":6380,"tls":"TLSv1.3","target":"x"}
"#;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A subscription with an app and a cache in it, as far as the fake `az` is asked.
struct Subscription {
    folder: TempDir,
}

impl Subscription {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let subscription = Self { folder };
        for file in ["az", "commands.tsv"] {
            let from = workspace().join("tests/az").join(file);
            std::fs::copy(from, subscription.path(file)).expect("copied");
        }
        let executable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(subscription.path("az"), executable).expect("allowed");
        subscription.has("log", LOG);
        subscription
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What `az` answers to a question; or the log.
    fn has(&self, question: &str, answer: &str) {
        std::fs::write(self.path(question), answer).expect("written");
    }

    /// The identity has access to the cache with this policy already.
    fn has_access(&self, name: &str, policy: &str) {
        self.has("assignments", &format!("{name}\t{policy}\t{PRINCIPAL}\n"));
    }

    fn access(&self) -> String {
        std::fs::read_to_string(self.path("assignments")).unwrap_or_default()
    }

    fn run(&self, script: &str, arguments: &[&str]) -> Output {
        self.with_az(script_of(script).args(arguments))
    }

    /// Runs a command as a reader would paste it.
    fn shell(&self, command: &str) -> Output {
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

    fn calls(&self) -> String {
        std::fs::read_to_string(self.path("calls")).unwrap_or_default()
    }
}

/// A script with the recipe's variables and no `az` in reach.
fn script_of(name: &str) -> Command {
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

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[track_caller]
fn succeeds(output: &Output) -> String {
    let text = text(output);
    assert!(output.status.success(), "{text}");
    text
}

fn deploys(arguments: &[&str]) -> (Subscription, String) {
    let subscription = Subscription::new();
    let image = ["--image", "registry.example/cache-health:0.1.0"];
    let arguments = [&image, arguments].concat();
    succeeds(&subscription.run("deploy.sh", &arguments));
    let calls = subscription.calls();
    (subscription, calls)
}

/// The sidecar that was sent to Azure.
fn sidecar(subscription: &Subscription, calls: &str) -> serde_json::Value {
    assert!(subscription.path("yaml").exists(), "{calls}");
    let line = calls.lines().find(|line| line.contains("{properties:"));
    let query = line.and_then(|line| line.split('`').nth(1));
    let list: serde_json::Value =
        serde_json::from_str(query.expect("a literal")).expect("JSON in the query");
    list[0].clone()
}

#[test]
fn a_dry_run_prints_every_command_and_needs_no_az() {
    for script in ["deploy.sh", "verify.sh"] {
        let image: &[&str] = if script == "deploy.sh" {
            &["--image", "i"]
        } else {
            &[]
        };
        for service in [&[][..], &["--managed-redis"]] {
            let output = script_of(script)
                .args([image, service, &["--dry-run"]].concat())
                .output()
                .expect("bash");
            let text = succeeds(&output);
            assert!(text.matches("\naz ").count() >= 5, "{text}");
        }
    }
}

#[test]
fn deploy_takes_the_recipes_steps_in_order() {
    let (_subscription, calls) = deploys(&[]);
    let steps = [
        "identity assign --name shop --resource-group rg --system-assigned",
        &format!(
            "--access-policy-name Data Contributor --object-id {PRINCIPAL} --object-id-alias shop"
        ),
        "--container-name shop --set-env-vars REDIS_HOST=shop-cache.redis.cache.windows.net REDIS_PORT=6380",
        "containerapp update --name shop --resource-group rg --yaml",
    ];
    let mut from = 0;
    for step in steps {
        let at = calls[from..].find(step);
        from += at.unwrap_or_else(|| panic!("no {step} in\n{calls}"));
    }
    assert!(!calls.contains("secret set"), "no key was asked for");
}

#[test]
fn the_sidecar_asks_redis_for_readiness_only() {
    let (subscription, calls) = deploys(&["--port", "19000"]);
    let sidecar = sidecar(&subscription, &calls);
    let probes: BTreeMap<String, (String, u64)> = sidecar["probes"]
        .as_array()
        .expect("probes")
        .iter()
        .map(|probe| {
            let get = &probe["httpGet"];
            let path = get["path"].as_str().expect("a path").to_owned();
            let kind = probe["type"].as_str().expect("a type").to_owned();
            (kind, (path, get["port"].as_u64().expect("a port")))
        })
        .collect();
    assert_eq!(probes["Startup"], ("/livez".to_owned(), 19000));
    assert_eq!(probes["Liveness"], ("/livez".to_owned(), 19000));
    assert_eq!(probes["Readiness"], ("/readyz".to_owned(), 19000));
    let environment = sidecar["env"].to_string();
    assert!(environment.contains("0.0.0.0:19000"), "{environment}");
}

#[test]
fn a_second_app_on_the_same_cache_takes_no_access_from_the_first() {
    let name_of = |principal: &str| {
        let subscription = Subscription::new();
        subscription.has("principal", principal);
        succeeds(&subscription.run("deploy.sh", &["--image", "i"]));
        let calls = subscription.calls();
        let name = calls.split("--policy-assignment-name ").nth(1);
        name.and_then(|rest| rest.split(' ').next())
            .expect("a name")
            .to_owned()
    };
    assert_ne!(
        name_of("8a1f0000-0000-0000-0000-000000000001"),
        name_of("8a1f0000-0000-0000-0000-000000000002")
    );
}

#[test]
fn a_key_goes_into_a_secret_and_onto_no_command_line() {
    let (subscription, calls) = deploys(&["--access-key"]);
    let stored = std::fs::read_to_string(subscription.path("secrets")).expect("a secret");
    assert_eq!(stored.trim(), "SECRET fake+/key=");
    assert!(!calls.contains("fake+/key="), "{calls}");
    let sidecar = sidecar(&subscription, &calls);
    assert!(
        sidecar["env"]
            .to_string()
            .contains(r#""secretRef":"redis-access-key""#)
    );
}

#[test]
fn a_key_can_stay_in_key_vault() {
    let (_subscription, calls) =
        deploys(&["--key-vault-secret", "https://v.vault.azure.net/secrets/k"]);
    let reference =
        "redis-access-key=keyvaultref:https://v.vault.azure.net/secrets/k,identityref:system";
    assert!(calls.contains(reference), "{calls}");
    assert!(!calls.contains("list-keys"), "{calls}");
}

#[test]
fn managed_redis_and_a_user_assigned_identity_are_flags() {
    let id = "/subscriptions/s/resourceGroups/rg/providers/x/id";
    let (subscription, calls) = deploys(&["--managed-redis", "--user-assigned", id]);
    for part in [
        "--cluster-name shop-cache --resource-group rg --database-name default",
        "--access-policy-assignment-name cachehealth8a1f0000000000000000000000000001",
        "REDIS_HOST=shop-cache.westeurope.redis.azure.net REDIS_PORT=10000",
    ] {
        assert!(calls.contains(part), "{part} in\n{calls}");
    }
    let environment = sidecar(&subscription, &calls)["env"].to_string();
    assert!(
        environment.contains("2cd00000-0000-0000-0000-000000000002"),
        "{environment}"
    );
}

#[test]
fn a_policy_of_the_least_rights_is_a_flag() {
    let (_subscription, calls) = deploys(&["--custom-policy"]);
    assert!(
        calls.contains("--permissions +set +get +ping ~health"),
        "{calls}"
    );
    assert!(
        calls.contains("--access-policy-name cache-health --object-id"),
        "{calls}"
    );
}

#[test]
fn a_second_run_does_the_same() {
    let subscription = Subscription::new();
    let once = || {
        succeeds(&subscription.run("deploy.sh", &["--image", "i"]));
        let calls = subscription.calls();
        std::fs::remove_file(subscription.path("calls")).expect("removed");
        // But for the name of the scratch folder, and the access that is there the second time.
        let lines = calls
            .lines()
            .filter(|line| !line.contains("--yaml") && !line.contains("assignment create"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let first = once();
    let access = subscription.access();
    assert_eq!(first, once());
    assert_eq!(access, subscription.access());
}

#[test]
fn access_that_is_there_and_suffices_is_left_alone() {
    for (policy, permissions) in [
        ("Data Owner", ""),
        ("Data Contributor", ""),
        ("shop", "+@read +@write ~*\n"),
        ("probe", "+set +get +ping ~health\n"),
    ] {
        let subscription = Subscription::new();
        subscription.has_access("the-apps-own", policy);
        subscription.has("permissions", permissions);
        let before = subscription.access();
        let said = succeeds(&subscription.run("deploy.sh", &["--image", "i"]));
        assert!(said.contains("has access already"), "{said}");
        assert!(
            !subscription.calls().contains("assignment create"),
            "{policy}"
        );
        assert_eq!(subscription.access(), before);
    }
    let subscription = Subscription::new();
    subscription.has_access("theapps", "default");
    let arguments = ["--image", "i", "--managed-redis"];
    let said = succeeds(&subscription.run("deploy.sh", &arguments));
    assert!(said.contains("has access already"), "{said}");
    assert!(!subscription.calls().contains("assignment create"));
}

#[test]
fn access_that_does_not_suffice_is_named_with_what_it_lacks_and_not_changed() {
    for (policy, permissions, lacks) in [
        ("Data Reader", "", "lacks +set."),
        ("shop", "+get ~shop:*\n", "lacks +set ~health."),
        ("none", "+ping\n", "lacks +set +get ~health."),
    ] {
        let subscription = Subscription::new();
        subscription.has_access("the-apps-own", policy);
        subscription.has("permissions", permissions);
        let before = subscription.access();
        let output = subscription.run("deploy.sh", &["--image", "i"]);
        let said = text(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(lacks), "{said}");
        // What it advises is what Azure takes.
        let advice = said
            .lines()
            .find(|line| line.contains("access-policy-assignment update"));
        let advice = advice.expect("a command").trim().to_owned();
        assert_eq!(subscription.access(), before);
        assert!(!subscription.calls().contains("--yaml"), "{said}");
        let cured = subscription.shell(&advice);
        assert!(cured.status.success(), "{}", text(&cured));
        succeeds(&subscription.run("deploy.sh", &["--image", "i"]));
    }
}

#[test]
fn the_fake_az_refuses_a_second_assignment_as_azure_does() {
    let subscription = Subscription::new();
    subscription.has_access("the-apps-own", "Data Reader");
    let create = format!(
        "az redis access-policy-assignment create --name c --resource-group rg --policy-assignment-name \
         other --access-policy-name 'Data Contributor' --object-id {PRINCIPAL} --object-id-alias shop"
    );
    let refused = subscription.shell(&create);
    assert!(!refused.status.success());
    assert!(
        text(&refused).contains("duplicate entries"),
        "{}",
        text(&refused)
    );
}

#[test]
fn a_key_that_was_rotated_restarts_the_revision() {
    let (_subscription, calls) = deploys(&["--access-key"]);
    let (set, restart) = (calls.find("secret set"), calls.find("revision restart"));
    assert!(set.is_some() && restart > set, "{calls}");
    assert!(calls.contains("--revision shop--0000001"), "{calls}");
    let (_subscription, calls) = deploys(&[]);
    assert!(!calls.contains("revision restart"), "{calls}");
    let dry = script_of("deploy.sh")
        .args(["--image", "i", "--access-key", "--dry-run"])
        .output()
        .expect("bash");
    assert!(succeeds(&dry).contains("az containerapp revision restart"));
}

#[test]
fn what_cannot_be_done_is_said_before_anything_is() {
    for (arguments, says) in [
        (&["--nonsense"][..], "unknown option"),
        (&[], "say --image"),
        (&["--image", "i", "--port", "x"], "--port must be a number"),
        (
            &["--image", "i", "--managed-redis", "--custom-policy"],
            "--custom-policy",
        ),
    ] {
        let subscription = Subscription::new();
        let output = subscription.run("deploy.sh", arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output).contains(says), "{}", text(&output));
        assert_eq!(subscription.calls(), "");
    }
    let unset = script_of("deploy.sh")
        .env_remove("RG")
        .output()
        .expect("bash");
    assert!(!unset.status.success());
    assert!(text(&unset).contains("set RG to"), "{}", text(&unset));
}

#[test]
fn a_failing_az_ends_the_deployment() {
    let subscription = Subscription::new();
    // An az without the commands of step 2.
    let table = std::fs::read_to_string(subscription.path("commands.tsv")).expect("read");
    let kept = table
        .lines()
        .filter(|line| !line.contains("access-policy-assignment"));
    let kept = kept.collect::<Vec<_>>().join("\n");
    subscription.has("commands.tsv", &(kept + "\n"));
    let output = subscription.run("deploy.sh", &["--image", "i"]);
    assert!(!output.status.success());
    assert!(!subscription.calls().contains("--yaml"));
}

#[test]
fn verification_passes_when_all_three_points_do() {
    let subscription = Subscription::new();
    subscription.has_access("the-apps-own", "Data Contributor");
    let text = succeeds(&subscription.run("verify.sh", &[]));
    assert_eq!(text.matches("PASS").count(), 7, "{text}");
    assert!(!text.contains("FAIL"), "{text}");
}

#[test]
fn each_point_of_the_verification_can_fail_and_has_a_cure() {
    let plaintext = LOG.replace("TLSv1.3", "none");
    let failed_since = format!(
        "{LOG}{}\n",
        r#"{"timestamp":"t","level":"INFO","message":"verdict","status":"fail","failure":"dns","target":"x"}"#
    );
    for (question, answer, says) in [
        ("assignments", "", "is assigned: nothing"),
        ("log", "nothing here\n", "SET succeeded"),
        ("log", &LOG.replace("GET", "SET"), "GET succeeded"),
        ("log", &plaintext, "the probe's own sessions"),
        ("nonssl", "true\n", "the port without TLS is off"),
        ("tls", "1.0\n", "the least TLS version is 1.2"),
        ("log", &failed_since, "the newest verdict is not fail"),
    ] {
        let subscription = Subscription::new();
        subscription.has_access("the-apps-own", "Data Contributor");
        subscription.has(question, answer);
        let output = subscription.run("verify.sh", &[]);
        let text = text(&output);
        assert_eq!(output.status.code(), Some(1), "{question}: {text}");
        let lines: Vec<&str> = text.lines().collect();
        let failed = lines
            .iter()
            .position(|l| l.starts_with("FAIL") && l.contains(says));
        let failed = failed.unwrap_or_else(|| panic!("no FAIL for {says} in\n{text}"));
        assert!(lines[failed + 1].trim().len() > 20, "no cure in\n{text}");
    }
}

#[test]
fn the_scripts_have_nothing_to_say_to_shellcheck() {
    let shellcheck = Command::new("shellcheck").arg("--version").output();
    if shellcheck.is_err() {
        eprintln!("SKIPPED: no shellcheck; the scripts were not linted");
        return;
    }
    let output = Command::new("shellcheck")
        .current_dir(workspace())
        .args(["-x", "deploy/azure/deploy.sh", "deploy/azure/verify.sh"])
        .args([
            "deploy/azure/show.sh",
            "deploy/spin/up.sh",
            "tests/az/az",
            ".ci/run",
        ])
        .output()
        .expect("shellcheck");
    succeeds(&output);
}
