//! Whether the cache is slow, or this container: round trips and the container's own stalls, measured side by side.
//!
//! A container that is out of its share of CPU stands still for tens of milliseconds, and every round trip that is under
//! way then looks slow. So a thread that only sleeps a millisecond at a time says how much later it woke up than it asked.

use crate::cache::{Ask, Connection};
use crate::provider::Provider;
use crate::spread::Spread;
use cache_health_provider::rate::Caller;
use cache_health_report::milliseconds;
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Between two round trips: with it, they stay within the checks per second that anybody may cause.
const PAUSE: Duration = Duration::from_millis(25);
/// What the thread asks to sleep.
const NAP: Duration = Duration::from_millis(1);
/// What Linux adds to a sleep by itself, on a machine that is busy with something else as well.
const ORDINARY_STALL: Duration = Duration::from_millis(5);
/// A round trip within a region of Azure takes one or two milliseconds.
const SLOW: Duration = Duration::from_millis(10);
/// The share of the time that a container may be held back before that is the cause.
const THROTTLED: f64 = 0.02;
/// Where Linux says how long the container was held back: version 2 and 1 of control groups.
const CPU_STAT: [&str; 2] = ["/sys/fs/cgroup/cpu.stat", "/sys/fs/cgroup/cpu/cpu.stat"];

/// What was measured.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Latency {
    /// Round trips: GET, each after a pause.
    pub round_trips: Spread,
    /// How much later than it asked a thread of this container woke up.
    pub stalls: Spread,
    /// How long the platform held this container back for using up its share of CPU, in milliseconds; null where that
    /// is not said.
    pub throttled_ms: Option<f64>,
    /// How many round trips failed.
    pub failed: usize,
    /// What that means.
    pub conclusion: Conclusion,
    /// The same in one sentence.
    pub said: &'static str,
}

/// What is slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Conclusion {
    /// Nothing.
    Fast,
    /// The cache, or the way to it.
    Cache,
    /// Not slow: some round trips failed.
    #[serde(rename = "cache")]
    Losses,
    /// This container.
    Container,
}

impl Conclusion {
    fn said(self) -> &'static str {
        match self {
            Self::Fast => "neither the cache nor this container is slow",
            Self::Cache => {
                "the cache or the way to it is slow: this container was not held back. Look at the cache's server load and \
                 bandwidth, at slow commands (SLOWLOG), and whether it is in this region"
            }
            Self::Losses => {
                "round trips failed while others worked: the cache or the way to it loses some. Look at its failovers and \
                 connected clients, and run this again"
            }
            Self::Container => {
                "this container is short of CPU, and what is measured in it looks slow for that: give it more (0.25 vCPU is \
                 little beside a busy app)"
            }
        }
    }
}

/// Measures for so long with the credential that a check would use.
pub async fn measure(provider: &Arc<Provider>, duration: Duration) -> Option<Latency> {
    let budget = provider.config.timeout;
    let connection = connect(provider, budget).await?;
    let (before, watch) = (throttled(), Watch::start()?);
    let (mut round_trips, mut failed) = (Vec::new(), 0);
    let until = Instant::now() + duration;
    while Instant::now() < until {
        let started = Instant::now();
        match provider.cache.get(&connection, budget).await {
            Ok(_) => round_trips.push(started.elapsed()),
            Err(_) => failed += 1,
        }
        tokio::time::sleep(PAUSE).await;
    }
    let stalls = watch.stop().await;
    let held_back = before
        .zip(throttled())
        .map(|(before, after)| after.saturating_sub(before));
    Some(judge(round_trips, failed, stalls, held_back, duration))
}

async fn connect(provider: &Arc<Provider>, budget: Duration) -> Option<Connection> {
    for candidate in provider.config.candidates() {
        let ask = Ask {
            caller: Caller::Request,
            budget,
            new: false,
        };
        let Ok(credential) = provider.acquire(candidate.id(), budget).await else {
            continue;
        };
        if let Ok(connection) = provider.connect(&credential, ask).await {
            return Some(connection);
        }
    }
    None
}

/// What measurements mean. Pure.
fn judge(
    round_trips: Vec<Duration>,
    failed: usize,
    stalls: Vec<Duration>,
    held_back: Option<Duration>,
    duration: Duration,
) -> Latency {
    let (trips, naps) = (Spread::of(round_trips), Spread::of(stalls));
    let share = held_back.map_or(0.0, |held| {
        held.as_secs_f64() / duration.as_secs_f64().max(1e-9)
    });
    let slow = trips.p99_ms > milliseconds(SLOW);
    let stalled = naps.p99_ms > milliseconds(ORDINARY_STALL);
    let conclusion = if failed > 0 {
        Conclusion::Losses
    } else if share > THROTTLED || slow && stalled {
        Conclusion::Container
    } else if slow {
        Conclusion::Cache
    } else {
        Conclusion::Fast
    };
    Latency {
        round_trips: trips,
        stalls: naps,
        throttled_ms: held_back.map(milliseconds),
        failed,
        conclusion,
        said: conclusion.said(),
    }
}

/// A thread that sleeps, and how much later it woke up each time.
struct Watch {
    ends: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<Vec<Duration>>,
}

impl Watch {
    fn start() -> Option<Self> {
        let ends = Arc::new(AtomicBool::new(false));
        let end = Arc::clone(&ends);
        let watch = move || {
            let mut late = Vec::new();
            while !end.load(Ordering::Relaxed) {
                let asked = Instant::now();
                std::thread::sleep(NAP);
                late.push(asked.elapsed().saturating_sub(NAP));
            }
            late
        };
        let thread = std::thread::Builder::new()
            .name("stalls".to_owned())
            .spawn(watch);
        Some(Self {
            ends,
            thread: thread.ok()?,
        })
    }

    async fn stop(self) -> Vec<Duration> {
        self.ends.store(true, Ordering::Relaxed);
        let joined = tokio::task::spawn_blocking(move || self.thread.join()).await;
        joined.ok().and_then(Result::ok).unwrap_or_default()
    }
}

/// How long this container was held back since it started.
fn throttled() -> Option<Duration> {
    let text = CPU_STAT
        .iter()
        .find_map(|path| std::fs::read_to_string(path).ok())?;
    throttled_in(&text)
}

fn throttled_in(text: &str) -> Option<Duration> {
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().parse().ok()
    };
    let micros = value("throttled_usec ").map(Duration::from_micros);
    micros.or_else(|| value("throttled_time ").map(Duration::from_nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn concludes(trip: u64, stall: u64, held_back: Option<u64>) -> Conclusion {
        let many = |millis| vec![Duration::from_millis(millis); 200];
        let held_back = held_back.map(Duration::from_millis);
        judge(
            many(trip),
            0,
            many(stall),
            held_back,
            Duration::from_secs(10),
        )
        .conclusion
    }

    #[test]
    fn a_slow_cache_and_a_container_without_cpu_are_told_apart() {
        assert_eq!(concludes(1, 0, Some(0)), Conclusion::Fast);
        assert_eq!(concludes(1, 0, None), Conclusion::Fast);
        assert_eq!(concludes(40, 0, Some(0)), Conclusion::Cache);
        assert_eq!(concludes(40, 0, None), Conclusion::Cache);
        assert_eq!(concludes(40, 30, None), Conclusion::Container);
        assert_eq!(concludes(40, 0, Some(3000)), Conclusion::Container);
        assert_eq!(concludes(1, 0, Some(3000)), Conclusion::Container);
    }

    #[test]
    fn round_trips_that_fail_are_the_conclusion() {
        let many = || vec![Duration::from_millis(1); 200];
        let latency = judge(many(), 3, many(), None, Duration::from_secs(10));
        assert_eq!(
            (latency.failed, latency.conclusion),
            (3, Conclusion::Losses)
        );
        assert!(latency.said.starts_with("round trips failed"));
    }

    #[test]
    fn both_versions_of_control_groups_are_read() {
        let second = "usage_usec 5\nnr_throttled 3\nthrottled_usec 1500\n";
        assert_eq!(throttled_in(second), Some(Duration::from_micros(1500)));
        let first = "nr_periods 1\nnr_throttled 0\nthrottled_time 1500\n";
        assert_eq!(throttled_in(first), Some(Duration::from_nanos(1500)));
        assert_eq!(throttled_in("usage_usec 5\n"), None);
    }
}
