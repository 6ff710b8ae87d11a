//! The clock of ages: it counts the time that the machine was suspended, and nobody sets it.
//!
//! A machine that resumes must not hand out what it found before it slept as if that were young, and a step
//! of NTP must not make a replica stale.

use rustix::time::{ClockId, clock_gettime};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use wasmtime_wasi::HostMonotonicClock;

/// Time since the machine started (`CLOCK_BOOTTIME`).
pub fn now() -> Duration {
    let time = clock_gettime(ClockId::Boottime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or(0),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}

/// How long it is since then.
pub fn since(then: Duration) -> Duration {
    now().saturating_sub(then)
}

/// Time since 1970-01-01T00:00:00Z, as others read it: for what is said, and never for ages.
pub fn wall() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

/// The same in seconds.
pub fn wall_seconds() -> i64 {
    i64::try_from(wall().as_secs()).unwrap_or(i64::MAX)
}

/// The clock of ages for guests, as `wasi:clocks/monotonic-clock`, counted from when it was made.
pub struct GuestClock(Duration);

impl GuestClock {
    /// A clock that starts now.
    pub fn new() -> Self {
        Self(now())
    }
}

impl HostMonotonicClock for GuestClock {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        u64::try_from(since(self.0).as_nanos()).unwrap_or(u64::MAX)
    }
}
