//! Debian's Chromium looks at the page: `browser.mjs`. Pictures are kept in `target/page`.

use super::served::serve;
use crate::fixtures::server::Server;
use crate::fixtures::{Azure, operator, told, workspace};
use cache_health_local_azure::identity::Behaviour;
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

fn browser(server: &Server, path: &str, arguments: &[&str]) -> Command {
    let pictures = workspace().join("target/page");
    std::fs::create_dir_all(&pictures).expect("a folder");
    let mut node = Command::new("node");
    node.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("page/browser.mjs"))
        .arg(told("CACHE_HEALTH_BROWSER"))
        .arg(server.url(path))
        .arg(pictures)
        .args(arguments)
        .stdout(Stdio::piped());
    node
}

fn seen(server: &Server, path: &str, arguments: &[&str]) -> Value {
    let output = browser(server, path, arguments).output().expect("node");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(output.status.success(), "{text}");
    let last = text.lines().last().expect("a line");
    serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// What has to be right in every state.
fn judge(seen: &Value, answer: &str) {
    assert_eq!(seen["answer"], answer, "{seen}");
    let title = format!("{answer} \u{b7} cache-health");
    assert_eq!(seen["title"], title.as_str());
    let none = serde_json::json!([]);
    assert_eq!(seen["violations"], none, "what axe-core finds");
    assert_eq!(
        seen["wrong"], none,
        "what the policy forbids, or asks elsewhere"
    );
    assert_eq!(seen["landmarks"], serde_json::json!([1, 1, 1]));
    assert!(
        seen["width"].as_u64() <= Some(375),
        "it fits a phone: {}",
        seen["width"]
    );
    let without = seen["withoutScript"].as_str().expect("text");
    assert!(without.contains(answer), "without script: {without}");
    let focus = seen["focus"].as_array().expect("a list");
    let reached = |name: &str| {
        focus
            .iter()
            .any(|at| at.as_str().is_some_and(|at| at.contains(name)))
    };
    assert!(
        reached("Details, for the operator"),
        "by keyboard: {focus:?}"
    );
}

#[test]
#[ignore = "needs chromium, playwright-core and axe-core: cargo xtask test"]
fn a_cache_that_can_be_used() {
    let azure = Azure::start();
    let seen = seen(&serve(&azure), "/", &["look", "pass"]);
    judge(&seen, "Yes");
}

#[test]
#[ignore = "needs chromium, playwright-core and axe-core: cargo xtask test"]
fn a_cache_that_is_used_with_the_fallback() {
    let azure = Azure::start();
    azure.identity.behave(Behaviour::status(400));
    let server = azure
        .check_both()
        .env("CACHE_HEALTH_INTERVAL", "200ms")
        .serve();
    server.wait_for_status("/readyz", 200);
    let seen = seen(&server, "/", &["look", "warn"]);
    judge(&seen, "Yes, and something needs attention");
    assert!(
        seen["text"]
            .as_str()
            .is_some_and(|text| text.contains("What to do: ")),
        "{seen}"
    );
}

#[test]
#[ignore = "needs chromium, playwright-core and axe-core: cargo xtask test"]
fn a_cache_that_cannot_be_used_with_its_cause_and_cure() {
    let azure = Azure::start();
    let server = serve(&azure);
    azure
        .redis
        .command(&["ACL", "SETUSER", &azure.object_id, "-set"])
        .expect("redis-cli");
    server.wait_for_status("/readyz", 503);
    let seen = seen(&server, "/", &["look", "fail"]);
    judge(&seen, "No");
    let text = seen["text"].as_str().expect("text");
    for said in [
        "permission-denied at redis:set",
        "What to do: ",
        "The last failures",
    ] {
        assert!(text.contains(said), "{said} in {text}");
    }
}

#[test]
#[ignore = "needs chromium, playwright-core and axe-core: cargo xtask test"]
fn before_the_first_verdict() {
    let azure = Azure::start();
    azure.redis.hang().expect("SIGSTOP");
    let server = azure.check_key().env("CACHE_HEALTH_TIMEOUT", "60s").serve();
    let seen = seen(&server, "/", &["look", "unknown"]);
    judge(&seen, "Not known yet");
    azure.redis.resume().expect("SIGCONT");
}

#[test]
#[ignore = "needs chromium, playwright-core and axe-core: cargo xtask test"]
fn a_page_that_is_open_follows_the_cache_and_says_when_the_probe_is_gone() {
    let mut azure = Azure::start();
    let server = serve(&azure);
    let old = "The probe does not answer";
    let mut following = browser(&server, "/", &["follow", "No", old])
        .spawn()
        .expect("node");
    let output = following.stdout.take().expect("piped");
    let mut lines = BufReader::new(output).lines().map_while(Result::ok);
    assert_eq!(lines.next().as_deref(), Some("open"));
    azure.redis.kill().expect("killed");
    assert_eq!(lines.next().as_deref(), Some("No"));
    drop(server);
    assert_eq!(lines.next().as_deref(), Some(old));
    let seen: Value = serde_json::from_str(&lines.next().expect("a line")).expect("JSON");
    assert_eq!(seen["wrong"], serde_json::json!([]));
    assert!(following.wait().expect("ended").success());
}

#[test]
#[ignore = "needs chromium, playwright-core and axe-core: cargo xtask test"]
fn a_browser_that_asks_for_the_details_is_asked_for_the_token() {
    let azure = Azure::start();
    let seen = seen(&serve(&azure), "/?details=1", &["details", operator::TOKEN]);
    assert_eq!(
        (&seen["status"], &seen["asOperator"]),
        (&401.into(), &200.into())
    );
    let text = seen["text"].as_str().expect("text");
    assert!(text.contains(&azure.object_id), "{text}");
}
