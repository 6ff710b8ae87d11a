//! Faults at random, one at a time, each lifted again.

use super::pause;
use anyhow::Result;
use cache_health_local_azure::LocalAzure;
use cache_health_local_azure::identity::Behaviour;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long a fault lasts, and how long there is none, in milliseconds.
const LENGTH: std::ops::Range<u64> = 1_000..6_000;
/// Nothing listens there.
const DEAD_PORT: &str = "1";

/// What can go wrong.
const FAULTS: [&str; 11] = [
    "killed",
    "hung",
    "restarted",
    "out of memory",
    "read-only",
    "without SET",
    "without the key",
    "credential revoked",
    "connections killed",
    // The token that is held goes on working.
    "identity fails",
    "identity hangs",
];

/// The faults that are over as soon as they were made.
const OVER_AT_ONCE: [&str; 2] = ["restarted", "connections killed"];

/// The faults that were made: which, from when, until when.
#[derive(Default)]
pub struct Made(Vec<(&'static str, Instant, Instant)>);

impl Made {
    /// How often each was made.
    pub fn counts(&self) -> BTreeMap<&'static str, u32> {
        let mut counts = BTreeMap::new();
        for (fault, _, _) in &self.0 {
            *counts.entry(*fault).or_default() += 1;
        }
        counts
    }

    /// Whether there was none from this long before until then.
    pub fn none_since(&self, from: Instant, to: Instant, before: Duration) -> bool {
        let overlaps = |began: Instant, ended: Instant| began <= to && ended + before >= from;
        !self
            .0
            .iter()
            .any(|(_, began, ended)| overlaps(*began, *ended))
    }
}

/// Makes faults on a stand-in.
pub struct Faults {
    azure: LocalAzure,
}

impl Faults {
    /// On this one.
    pub fn new(azure: LocalAzure) -> Self {
        Self { azure }
    }

    /// One after the other.
    pub fn make(&mut self, leave: &AtomicBool) -> Result<Made> {
        let mut made = Made::default();
        loop {
            pause(Duration::from_millis(fastrand::u64(LENGTH)), leave);
            if leave.load(Ordering::SeqCst) {
                return Ok(made);
            }
            let (fault, began) = (FAULTS[fastrand::usize(..FAULTS.len())], Instant::now());
            self.begin(fault)?;
            let begun = Instant::now();
            pause(Duration::from_millis(fastrand::u64(LENGTH)), leave);
            self.end(fault)?;
            let ended = if OVER_AT_ONCE.contains(&fault) {
                begun
            } else {
                Instant::now()
            };
            made.0.push((fault, began, ended));
        }
    }

    fn begin(&mut self, fault: &str) -> Result<()> {
        let user = self.azure.token.object_id.clone();
        match fault {
            "killed" => self.azure.redis.kill()?,
            "hung" => self.azure.redis.hang()?,
            "restarted" => {
                self.azure.redis.kill()?;
                self.azure.redis.restart(|_| {})?;
            }
            "out of memory" => self.redis(&["CONFIG", "SET", "maxmemory", "1"])?,
            "read-only" => self.redis(&["REPLICAOF", "127.0.0.1", DEAD_PORT])?,
            "without SET" => self.redis(&["ACL", "SETUSER", &user, "-set"])?,
            "without the key" => self.redis(&["ACL", "SETUSER", &user, "resetkeys"])?,
            "credential revoked" => {
                self.redis(&["ACL", "SETUSER", &user, "resetpass"])?;
                self.redis(&["CLIENT", "KILL", "USER", &user])?;
            }
            "identity fails" => self.identity(Behaviour::status(500)),
            "identity hangs" => self.identity(Behaviour::Hang),
            _ => self.redis(&["CLIENT", "KILL", "USER", &user])?,
        }
        Ok(())
    }

    fn end(&mut self, fault: &str) -> Result<()> {
        let user = self.azure.token.object_id.clone();
        match fault {
            "killed" => self.azure.redis.restart(|_| {})?,
            "hung" => self.azure.redis.resume()?,
            "out of memory" => self.redis(&["CONFIG", "SET", "maxmemory", "0"])?,
            "read-only" => self.redis(&["REPLICAOF", "NO", "ONE"])?,
            "without SET" => self.redis(&["ACL", "SETUSER", &user, "+set"])?,
            "without the key" => self.redis(&["ACL", "SETUSER", &user, "~*"])?,
            "credential revoked" => {
                let password = format!(">{}", self.azure.token.text);
                self.redis(&["ACL", "SETUSER", &user, &password])?;
            }
            "identity fails" | "identity hangs" => {
                self.identity(Behaviour::Token(self.azure.token.clone()));
            }
            _ => {}
        }
        Ok(())
    }

    fn identity(&self, behaviour: Behaviour) {
        if let Some(identity) = &self.azure.identity {
            identity.behave(behaviour);
        }
    }

    fn redis(&self, words: &[&str]) -> Result<()> {
        self.azure.redis.command(words).map(drop)
    }
}
