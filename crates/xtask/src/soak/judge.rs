//! The independent client: `redis-cli` over TLS, with the same user, one process a round trip. It
//! shares no code with what it judges.

use super::DEADLINE;
use cache_health_local_azure::LocalAzure;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often to look whether the client is done.
const LOOK: Duration = Duration::from_millis(2);
/// The pause between two round trips.
const PAUSE: Duration = Duration::from_millis(25);
/// The key that the client uses: not the probe's, whose value it would disturb.
const KEY: &str = "judge";

/// The client.
pub struct Judge {
    port: String,
    ca_file: String,
    user: String,
    token: String,
}

/// One round trip.
#[derive(Clone, Copy, Debug)]
struct Trip {
    started: Instant,
    ended: Instant,
    works: bool,
}

/// Every round trip, in order.
pub struct Truth(Vec<Trip>);

impl Judge {
    /// A client of this cache.
    pub fn of(azure: &LocalAzure) -> Self {
        Self {
            port: azure.redis.port().to_string(),
            ca_file: azure.redis.ca_file().display().to_string(),
            user: azure.token.object_id.clone(),
            token: azure.token.text.clone(),
        }
    }

    /// One round trip after the other.
    pub fn watch(&self, leave: &AtomicBool) -> Truth {
        let mut trips = Vec::new();
        while !leave.load(Ordering::SeqCst) {
            let started = Instant::now();
            let works = self.set_and_get();
            trips.push(Trip {
                started,
                ended: Instant::now(),
                works,
            });
            std::thread::sleep(PAUSE);
        }
        Truth(trips)
    }

    fn set_and_get(&self) -> bool {
        let value = fastrand::u64(..).to_string();
        self.run(&["SET", KEY, &value, "EX", "60"]).as_deref() == Some("OK")
            && self.run(&["GET", KEY]) == Some(value)
    }

    /// What a command answers; none when there is no answer in time.
    fn run(&self, words: &[&str]) -> Option<String> {
        let child = Command::new("redis-cli")
            .args(["--tls", "--cacert", &self.ca_file])
            .args(["-h", "localhost", "-p", &self.port, "--user", &self.user])
            // In the environment: arguments are for everybody to read.
            .env("REDISCLI_AUTH", &self.token)
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let output = in_time(child)?;
        let text = String::from_utf8(output).ok()?;
        Some(text.trim().to_owned())
    }
}

/// The output of a process that ends by the deadline; the others are killed.
fn in_time(mut child: Child) -> Option<Vec<u8>> {
    let until = Instant::now() + DEADLINE;
    loop {
        match child.try_wait().ok()? {
            Some(status) => {
                let output = child.wait_with_output().ok()?;
                return status.success().then_some(output.stdout);
            }
            None if Instant::now() >= until => {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
            None => std::thread::sleep(LOOK),
        }
    }
}

impl Truth {
    /// How many round trips there were.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the client failed before, during and after this, and for this long before it.
    pub fn failed_throughout(&self, from: Instant, to: Instant, before: Duration) -> bool {
        self.throughout(from, to, before, false)
    }

    /// Whether the client worked before, during and after this, and for this long before it.
    pub fn worked_throughout(&self, from: Instant, to: Instant, before: Duration) -> bool {
        self.throughout(from, to, before, true)
    }

    fn throughout(&self, from: Instant, to: Instant, before: Duration, works: bool) -> bool {
        let Some(since) = from.checked_sub(before) else {
            return false;
        };
        // The last trip that was over before, the first that began after, and all between.
        let first = self.0.partition_point(|trip| trip.ended < since);
        let last = self.0.partition_point(|trip| trip.started <= to);
        let (Some(first), true) = (first.checked_sub(1), last < self.0.len()) else {
            return false;
        };
        self.0[first..=last].iter().all(|trip| trip.works == works)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn truth(works: &[bool]) -> (Instant, Truth) {
        let start = Instant::now();
        let at = |index: usize| start + Duration::from_secs(index as u64);
        let trip = |(index, works): (usize, &bool)| Trip {
            started: at(index),
            ended: at(index) + Duration::from_millis(100),
            works: *works,
        };
        (start, Truth(works.iter().enumerate().map(trip).collect()))
    }

    #[test]
    fn a_verdict_is_judged_by_what_was_before_and_after_it() {
        let (start, truth) = truth(&[true, false, false, false, true]);
        let at = |tenths: u64| start + Duration::from_millis(tenths * 100);
        let failed = |from, to| truth.failed_throughout(at(from), at(to), Duration::ZERO);
        assert!(failed(15, 25));
        // It worked just before, or just after: nobody can tell.
        assert!(!failed(5, 15));
        assert!(!failed(25, 35));
        // Nothing is known after the last round trip.
        assert!(!truth.worked_throughout(at(45), at(50), Duration::ZERO));
        assert!(!truth.failed_throughout(at(25), at(26), Duration::from_secs(2)));
    }
}
