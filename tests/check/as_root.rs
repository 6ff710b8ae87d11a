//! What needs to become another user.

use crate::fixtures::Azure;
use crate::fixtures::server::PATIENCE;
use std::net::TcpStream;
use std::os::unix::fs::MetadataExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[test]
#[ignore = "needs root: cargo xtask test"]
fn the_memory_of_the_process_is_nobody_elses() {
    // What belongs to a process that is not dumpable belongs to root in /proc, whoever runs it.
    const NOBODY: &str = "65534";
    let azure = Azure::start();
    let port = cache_health_local_azure::port::any_free().expect("a port");
    let check = azure.check_key().without("REDIS_CA_FILE");
    let program = check.program();
    let mut child = Command::new("setpriv")
        .args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "--"])
        .arg(program.get_program())
        .args(["serve", "--listen", &format!("127.0.0.1:{port}")])
        .env_clear()
        .envs(check.environment())
        .stderr(Stdio::null())
        .spawn()
        .expect("setpriv, of util-linux");
    let until = Instant::now() + PATIENCE;
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < until, "it does not serve");
        std::thread::sleep(Duration::from_millis(10));
    }
    let owner = std::fs::metadata(format!("/proc/{}/maps", child.id())).map(|m| m.uid());
    let _ = child.kill();
    let _ = child.wait();
    assert_eq!(owner.expect("a process"), 0);
}
