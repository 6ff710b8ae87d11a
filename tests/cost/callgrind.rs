//! Instructions, counted by valgrind's callgrind: what one more request costs, between a run of few and one of many. On the
//! program that ships.

use super::compare;
use crate::fixtures::{Azure, told};
use cache_health_local_azure::port;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const FEW: u32 = 100;
const MANY: u32 = 600;
const START: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(50);

/// The program under callgrind; ended when dropped.
struct Counted {
    process: Child,
    url: String,
    agent: ureq::Agent,
}

impl Counted {
    fn start(azure: &Azure, output: &Path) -> Self {
        let address = format!("127.0.0.1:{}", port::any_free().expect("a port"));
        let process = Command::new("valgrind")
            .arg("--tool=callgrind")
            .arg(format!("--callgrind-out-file={}", output.display()))
            .arg(told("CACHE_HEALTH_IMAGE_PROGRAM"))
            .arg("serve")
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(azure.check_key().environment())
            .env("CACHE_HEALTH_LISTEN", &address)
            // Only what is asked for is checked.
            .env("CACHE_HEALTH_INTERVAL", "9m")
            .env("CACHE_HEALTH_TIMEOUT", "30s")
            .env("CACHE_HEALTH_MAX_CHECKS_PER_SECOND", "1000000")
            .env("RUST_LOG", "error")
            .stderr(Stdio::null())
            .spawn()
            .expect("valgrind runs");
        let counted = Self {
            process,
            url: format!("http://{address}"),
            agent: ureq::Agent::new_with_defaults(),
        };
        let until = Instant::now() + START;
        while counted
            .agent
            .get(format!("{}/readyz", counted.url))
            .call()
            .is_err()
        {
            assert!(Instant::now() < until, "it does not start");
            std::thread::sleep(LOOK);
        }
        counted
    }

    fn ask(&self, path: &str, times: u32) {
        for _ in 0..times {
            let url = format!("{}{path}", self.url);
            let answer = self.agent.get(url).call().expect("200");
            answer.into_body().read_to_string().expect("a body");
        }
    }

    /// Ends it, so that the counts are written.
    fn end(mut self) {
        let id = self.process.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &id]).status();
        self.process.wait().expect("it ends");
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Instructions of a run with so many requests.
fn run(path: &str, times: u32) -> f64 {
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("callgrind");
    let azure = Azure::start();
    let counted = Counted::start(&azure, &output);
    counted.ask(path, times);
    counted.end();
    let text = std::fs::read_to_string(output).expect("counts");
    instructions(&text)
}

fn instructions(text: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix("totals: "));
    line.and_then(|total| total.trim().parse().ok())
        .expect("totals")
}

/// What one more request costs.
fn each(path: &str) -> f64 {
    (run(path, MANY) - run(path, FEW)) / f64::from(MANY - FEW)
}

#[test]
#[ignore = "needs valgrind and the image's program: cargo xtask test"]
fn a_check_and_a_probe_cost_no_more_than_is_written_down() {
    compare(&[
        ("instructions of a fresh check", each("/healthz?fresh=1")),
        ("instructions of /readyz", each("/readyz")),
    ]);
}
