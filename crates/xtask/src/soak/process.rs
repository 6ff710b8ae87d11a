//! The program under soak, seen from outside.

use super::{LOOK, WARM_UP, program};
use anyhow::{Context as _, Result, bail};
use cache_health_local_azure::LocalAzure;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long it may take to end.
const DRAINED: Duration = Duration::from_secs(10);

/// What it uses.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Resident memory, in bytes.
    pub memory: u64,
    /// Open file descriptors.
    pub files: usize,
}

/// What it used.
pub struct Watched {
    /// After the warm-up.
    pub warm: Usage,
    /// The most of each after that.
    pub most: Usage,
    /// In the end.
    pub end: Usage,
}

/// The program; killed when dropped.
pub struct Process(Child);

impl Process {
    /// Starts it.
    pub fn start(azure: &LocalAzure, port: u16) -> Result<Self> {
        let child = program(azure, port)?
            // Held and never read.
            .stderr(Stdio::piped())
            .spawn()
            .context("dist/cache-health cannot be run")?;
        Ok(Self(child))
    }

    /// Watches it for this long.
    pub fn watch(&mut self, length: Duration) -> Result<Watched> {
        let until = Instant::now() + length;
        let warm_at = Instant::now() + WARM_UP.min(length / 2);
        let mut warm: Option<Usage> = None;
        let (mut most, mut end) = (Usage::default(), Usage::default());
        while Instant::now() < until {
            std::thread::sleep(LOOK);
            if let Some(status) = self.0.try_wait()? {
                bail!("cache-health ended by itself ({status})");
            }
            end = self.usage()?;
            if Instant::now() < warm_at {
                continue;
            }
            warm.get_or_insert(end);
            most.memory = most.memory.max(end.memory);
            most.files = most.files.max(end.files);
        }
        let warm = warm.unwrap_or(end);
        Ok(Watched { warm, most, end })
    }

    fn usage(&self) -> Result<Usage> {
        let folder = format!("/proc/{}", self.0.id());
        let status = std::fs::read_to_string(format!("{folder}/status"))?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let kilobytes: u64 = line
            .and_then(|line| line.split_whitespace().nth(1))
            .context("no VmRSS")?
            .parse()?;
        Ok(Usage {
            memory: kilobytes * 1024,
            files: std::fs::read_dir(format!("{folder}/fd"))?.count(),
        })
    }

    /// Ends it as a platform would.
    pub fn end(mut self) -> Result<()> {
        Command::new("kill")
            .args(["-TERM", &self.0.id().to_string()])
            .status()?;
        let until = Instant::now() + DRAINED;
        while Instant::now() < until {
            if let Some(status) = self.0.try_wait()? {
                if status.success() {
                    return Ok(());
                }
                bail!("cache-health ended with {status}");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        bail!("cache-health did not drain within {DRAINED:?}")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
