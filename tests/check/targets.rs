//! `check --targets` and `check --watch`.

use crate::fixtures::server::PATIENCE;
use crate::fixtures::{Azure, Check, document};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Output, Stdio};

/// A line of an inventory for this cache, with its key in a file.
fn line(name: &str, azure: &Azure, folder: &std::path::Path) -> Value {
    let file = folder.join(name);
    std::fs::write(&file, &azure.access_key).expect("written");
    json!({
        "name": name,
        "REDIS_HOST": "localhost",
        "REDIS_PORT": azure.redis.port().to_string(),
        "REDIS_CA_FILE": azure.redis.ca_file(),
        "REDIS_AUTH": "access-key",
        "REDIS_ACCESS_KEY_FILE": file,
    })
}

fn inventory(check: &Check, lines: &[String], format: &str) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("caches.jsonl");
    std::fs::write(&file, lines.join("\n")).expect("written");
    let file = file.display().to_string();
    let (output, _) = check.output(&["check", "--targets", &file, "--format", format]);
    output
}

/// The environment of the prober, with another cache's key in it.
fn prober(of: &[&Azure]) -> Check {
    let with = |check: Check, azure: &&Azure| check.secret(&azure.access_key);
    of.iter().fold(Check::of("unused.invalid", 1), with)
}

/// The reports by their names.
fn reports(output: &Output) -> Vec<(String, Value)> {
    let text = String::from_utf8(output.stdout.clone()).expect("UTF-8");
    let mut all: Vec<(String, Value)> = text
        .lines()
        .map(|line| {
            let mut value: Value = serde_json::from_str(line).expect("JSON");
            let name = value.as_object_mut().expect("an object").remove("name");
            document::read(&value.to_string());
            (
                name.expect("a name").as_str().expect("text").to_owned(),
                value,
            )
        })
        .collect();
    all.sort_by(|one, other| one.0.cmp(&other.0));
    all
}

#[test]
fn each_cache_of_an_inventory_has_its_verdict_and_the_worst_is_the_exit_code() {
    let (shop, cart) = (Azure::start(), Azure::start());
    let folder = tempfile::tempdir().expect("a folder");
    let mut wrong = line("wrong", &cart, folder.path());
    std::fs::write(folder.path().join("wrong"), "another key").expect("written");
    wrong["name"] = "wrong".into();
    let (shop_line, cart_line) = (
        line("shop", &shop, folder.path()),
        line("cart", &cart, folder.path()),
    );
    let good = [shop_line.to_string(), String::new(), cart_line.to_string()];
    let prober = prober(&[&shop, &cart]);
    let output = inventory(&prober, &good, "json");
    assert_eq!(output.status.code(), Some(0));
    let statuses = |output: &Output| -> Vec<(String, Value)> {
        let status = |(name, report): (String, Value)| (name, report["status"].clone());
        reports(output).into_iter().map(status).collect()
    };
    let both = [
        ("cart".into(), "pass".into()),
        ("shop".into(), "pass".into()),
    ];
    assert_eq!(statuses(&output), both);

    let bad = [
        &good[..],
        &[
            wrong.to_string(),
            "s3cret".into(),
            r#"{"name":"empty"}"#.into(),
        ],
    ]
    .concat();
    let output = inventory(&prober.secret("s3cret"), &bad, "json");
    assert_eq!(output.status.code(), Some(2), "configuration is the worst");
    let all = reports(&output);
    let kinds: Vec<_> = all
        .iter()
        .map(|(name, r)| (name.as_str(), &r["failure"]["kind"]))
        .collect();
    let (none, config, rejected) = (Value::Null, "config".into(), "auth-rejected".into());
    let expected = [
        ("cart", &none),
        ("empty", &config),
        ("line 5", &config),
        ("shop", &none),
        ("wrong", &rejected),
    ];
    assert_eq!(kinds, expected);
}

#[test]
fn a_target_never_gets_the_key_of_the_environment() {
    let azure = Azure::start();
    let folder = tempfile::tempdir().expect("a folder");
    let mut target = line("shop", &azure, folder.path());
    target
        .as_object_mut()
        .expect("an object")
        .remove("REDIS_ACCESS_KEY_FILE");
    let prober = prober(&[&azure]).env("REDIS_ACCESS_KEY", &azure.access_key);
    let output = inventory(&prober, &[target.to_string()], "json");
    let all = reports(&output);
    assert_eq!(all[0].1["failure"]["kind"], "config", "{all:?}");
}

#[test]
fn a_line_with_a_secret_is_refused_and_not_printed() {
    let azure = Azure::start();
    let folder = tempfile::tempdir().expect("a folder");
    let mut target = line("shop", &azure, folder.path());
    target["REDIS_ACCESS_KEY"] = "s3cret".into();
    let prober = prober(&[&azure]).secret("s3cret");
    for format in ["json", "text"] {
        let output = inventory(&prober, &[target.to_string()], format);
        assert_eq!(output.status.code(), Some(2));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains("holds a secret, REDIS_ACCESS_KEY"), "{text}");
    }
}

#[test]
fn an_inventory_that_cannot_be_read_or_names_no_cache_exits_with_two() {
    let check = prober(&[]);
    let (missing, _) = check.output(&["check", "--targets", "/nowhere/caches.jsonl"]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("--targets cannot be read"));
    assert_eq!(inventory(&check, &[], "json").status.code(), Some(2));
}

#[test]
fn watching_prints_a_line_per_check_and_ends_with_the_last_verdict() {
    let mut azure = Azure::start();
    let check = azure
        .check_key()
        .env("CACHE_HEALTH_INTERVAL", "200ms")
        .env("RUST_LOG", "off");
    let mut watching = check
        .program()
        .args(["check", "--watch"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let mut lines = BufReader::new(watching.stdout.take().expect("piped")).lines();
    let mut until = |word: &str| {
        let deadline = std::time::Instant::now() + PATIENCE;
        while std::time::Instant::now() < deadline {
            let line = lines.next().expect("a line").expect("UTF-8");
            assert!(line.starts_with("20") && line.contains(" ms  "), "{line}");
            if line.contains(word) {
                return;
            }
        }
        panic!("no line says {word}");
    };
    until("PASS");
    azure.redis.kill().expect("killed");
    until("FAIL");
    let pid = watching.id().to_string();
    let told = Command::new("kill").args(["-TERM", &pid]).status();
    assert!(told.is_ok_and(|status| status.success()));
    assert_eq!(watching.wait().expect("ended").code(), Some(1));
}

#[test]
fn the_command_line_explains_itself() {
    let check = Check::of("localhost", 6380);
    for (arguments, said) in [
        (&["--help"][..], "Examples:"),
        (&["check", "--help"], "Examples:"),
        (&["doctor", "--help"], "az containerapp exec"),
        (&["serve", "--help"], "Examples:"),
        (&["--version"], "cache-health 0."),
        (&["completions", "bash"], "_cache__health()"),
        (&["man"], ".TH cache-health 1"),
        (&["man", "doctor"], "latency"),
    ] {
        let (output, _) = check.output(arguments);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert!(text.contains(said), "{arguments:?}: {text}");
    }
    // With the revision that was built.
    let (version, _) = check.output(&["--version"]);
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    let revision = version
        .split('(')
        .nth(1)
        .and_then(|rest| rest.split(')').next());
    assert!(
        revision.is_some_and(|revision| revision.len() == 12),
        "{version}"
    );
    // What is a secret has no flag.
    let (help, _) = check.output(&["doctor", "--help"]);
    let help = String::from_utf8_lossy(&help.stdout).to_ascii_lowercase();
    assert!(
        !help.contains("--key") && !help.contains("--token"),
        "{help}"
    );
}
