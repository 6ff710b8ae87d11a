//! The log is for whoever reads it, and nobody has to: no reader and no disk stops the program.

use crate::fixtures::Azure;
use crate::fixtures::server::PATIENCE;
use cache_health_report::Status;
use std::fs::File;
use std::io::Read as _;
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a request for `/livez` may take.
const SHORT: Duration = Duration::from_secs(2);

/// A program that is killed when the test ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    /// Serves with many samples and a log that is held and not read; with its address, once it answers.
    fn serve(azure: &Azure) -> (Self, String) {
        let port = cache_health_local_azure::port::any_free().expect("a port");
        let address = format!("127.0.0.1:{port}");
        let child = azure
            .check_key()
            .env("CACHE_HEALTH_INTERVAL", "100ms")
            .program()
            .args(["serve", "--listen", &address])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let program = Self(child);
        let until = Instant::now() + PATIENCE;
        while !lives(&address) {
            assert!(Instant::now() < until, "it does not serve");
        }
        (program, address)
    }

    fn ended(&mut self, limit: Duration) -> Option<i32> {
        let until = Instant::now() + limit;
        while Instant::now() < until {
            if let Some(status) = self.0.try_wait().expect("waitable") {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        None
    }
}

#[test]
fn a_log_that_cannot_be_written_costs_no_verdict() {
    let azure = Azure::start();
    let full = File::options()
        .write(true)
        .open("/dev/full")
        .expect("Linux");
    let output = azure
        .check_key()
        .program()
        .args(["check", "--format", "json"])
        .stderr(full)
        .output()
        .expect("the program runs");
    assert_eq!(output.status.code(), Some(0));
    let document = crate::fixtures::document::read(&String::from_utf8_lossy(&output.stdout));
    assert_eq!(document.status, Status::Pass);
}

#[test]
fn a_configuration_error_that_nobody_reads_still_exits_with_two() {
    let full = || {
        File::options()
            .write(true)
            .open("/dev/full")
            .expect("Linux")
    };
    let status = crate::fixtures::Check::of("", 0)
        .program()
        .arg("check")
        .stderr(full())
        .stdout(full())
        .status()
        .expect("the program runs");
    assert_eq!(status.code(), Some(2));
}

/// Whether `/livez` answers in time.
fn lives(address: &str) -> bool {
    use std::io::Write as _;
    let Ok(mut stream) = TcpStream::connect(address) else {
        return false;
    };
    stream.set_read_timeout(Some(SHORT)).expect("a limit");
    let asked = stream.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    let mut answer = String::new();
    asked.is_ok() && stream.read_to_string(&mut answer).is_ok() && answer.contains(" 200 ")
}

#[test]
fn a_log_that_nobody_reads_stops_nothing_and_says_later_what_it_lost() {
    let azure = Azure::start();
    let (mut program, address) = Running::serve(&azure);
    // At trace, that is a multiple of what a pipe and the queue hold.
    for number in 0..500 {
        assert!(lives(&address), "no answer to request {number}");
    }
    let mut log = program.0.stderr.take().expect("piped");
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        let _ = log.read_to_string(&mut text);
        text
    });
    for _ in 0..5 {
        assert!(lives(&address));
    }
    terminate(&program.0);
    assert_eq!(program.ended(PATIENCE), Some(0));
    let text = reader.join().expect("no panic");
    assert!(
        text.contains("log lines were dropped"),
        "{} bytes",
        text.len()
    );
    assert!(!text.contains(&azure.access_key), "a secret in the log");
}

#[test]
fn sigterm_ends_a_program_whose_log_nobody_reads() {
    let azure = Azure::start();
    let (mut program, address) = Running::serve(&azure);
    for _ in 0..500 {
        assert!(lives(&address));
    }
    terminate(&program.0);
    assert_eq!(program.ended(PATIENCE), Some(0));
}

fn terminate(child: &Child) {
    let status = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status();
    assert!(status.expect("kill runs").success());
}
