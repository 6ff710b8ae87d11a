//! Instructions, counted by valgrind's callgrind: what one more request costs, between a run of few and one of many. On the
//! program that ships.

use super::compare;
use crate::fixtures::{Azure, told};
use std::time::Duration;

const FEW: u32 = 100;
const MANY: u32 = 600;
/// How long it may take to end, with its counts written.
const END: Duration = Duration::from_secs(60);

/// Instructions of a run with so many requests.
fn run(path: &str, times: u32) -> f64 {
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("callgrind");
    let azure = Azure::start();
    let mut server = azure
        .check_key()
        .by(&[
            "valgrind".to_owned(),
            "--tool=callgrind".to_owned(),
            format!("--callgrind-out-file={}", output.display()),
            told("CACHE_HEALTH_IMAGE_PROGRAM"),
        ])
        .env("PATH", std::env::var("PATH").expect("a PATH"))
        // Only what is asked for is checked.
        .env("CACHE_HEALTH_INTERVAL", "9m")
        .env("CACHE_HEALTH_TIMEOUT", "30s")
        .env("RUST_LOG", "info")
        .serve();
    server.wait_for_status("/readyz", 200);
    for _ in 0..times {
        assert_eq!(server.get_as_anybody(path).status, 200);
    }
    // The counts are written when it ends.
    server.signal("TERM");
    assert_eq!(server.wait(END), 0);
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
