//! A real Prometheus, of Debian's package.

use super::scrape::serve;
use crate::fixtures::{Azure, workspace};
use cache_health_local_azure::port;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// How long Prometheus may take to start and to scrape once.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(100);

fn promtool(arguments: &[&str], input: Stdio) -> Output {
    Command::new("promtool")
        .args(arguments)
        .current_dir(workspace().join("deploy/observability/prometheus"))
        .stdin(input)
        .output()
        .expect("promtool")
}

fn succeeds(output: &Output) {
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&said)
    );
}

#[test]
#[ignore = "needs prometheus: cargo xtask test"]
fn the_rules_are_rules_and_fire_when_they_should() {
    succeeds(&promtool(&["check", "rules", "rules.yaml"], Stdio::null()));
    succeeds(&promtool(
        &["test", "rules", "rules_test.yaml"],
        Stdio::null(),
    ));
}

#[test]
#[ignore = "needs prometheus: cargo xtask test"]
fn promtool_has_no_complaint_about_what_is_exposed() {
    let azure = Azure::start();
    let server = serve(azure.check_entra());
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("metrics");
    std::fs::write(&file, server.get_as_anybody("/metrics").body).expect("written");
    let input = std::fs::File::open(&file).expect("it is there");
    let output = promtool(&["check", "metrics"], input.into());
    succeeds(&output);
    assert!(
        output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A Prometheus; killed when dropped.
struct Prometheus {
    process: Child,
    url: String,
    _folder: tempfile::TempDir,
}

impl Prometheus {
    fn scraping(target: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let rules = workspace().join("deploy/observability/prometheus/rules.yaml");
        let config = format!(
            "global: {{ scrape_interval: 1s, evaluation_interval: 1s }}\n\
             rule_files: [{:?}]\n\
             scrape_configs: [{{ job_name: cache-health, static_configs: [{{ targets: [{target:?}] }}] }}]\n",
            rules.canonicalize().expect("rules")
        );
        std::fs::write(folder.path().join("prometheus.yml"), config).expect("written");
        let address = format!("127.0.0.1:{}", port::any_free().expect("a port"));
        let flag = |name: &str, value: &Path| format!("--{name}={}", value.display());
        let process = Command::new("prometheus")
            .arg(flag("config.file", &folder.path().join("prometheus.yml")))
            .arg(flag("storage.tsdb.path", &folder.path().join("data")))
            .arg(format!("--web.listen-address={address}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("prometheus");
        Self {
            process,
            url: format!("http://{address}"),
            _folder: folder,
        }
    }

    /// The value of an expression that has one result.
    fn ask(&self, expression: &str) -> Option<String> {
        let url = format!("{}/api/v1/query", self.url);
        let mut answer = ureq::get(url).query("query", expression).call().ok()?;
        let text = answer.body_mut().read_to_string().ok()?;
        let value: serde_json::Value = serde_json::from_str(&text).ok()?;
        Some(value["data"]["result"][0]["value"][1].as_str()?.to_owned())
    }

    #[track_caller]
    fn wait_for(&self, expression: &str, value: &str) {
        let until = Instant::now() + PATIENCE;
        let mut last = None;
        while Instant::now() < until {
            last = self.ask(expression);
            if last.as_deref() == Some(value) {
                return;
            }
            std::thread::sleep(LOOK);
        }
        panic!("{expression} is {last:?} and not {value}");
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
#[ignore = "needs prometheus: cargo xtask test"]
fn a_real_prometheus_scrapes_the_verdict() {
    let mut azure = Azure::start();
    let server = serve(azure.check_entra());
    let prometheus = Prometheus::scraping(&server.address);
    prometheus.wait_for("up{job=\"cache-health\"}", "1");
    prometheus.wait_for("cache_health_up", "1");
    prometheus.wait_for(
        "count(cache_health_step_duration_seconds_bucket{step=\"redis:set\"})",
        "13",
    );
    azure.redis.kill().expect("killed");
    prometheus.wait_for("cache_health_up", "0");
    prometheus.wait_for(
        "count(ALERTS{alertname=\"CacheUnusable\", alertstate=\"pending\"})",
        "1",
    );
}
