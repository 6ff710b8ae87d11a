//! A service under load, with the processes that it started.

use crate::shell::workspace;
use anyhow::{Context as _, Result, ensure};
use cache_health_local_azure::{LocalAzure, port};
use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a service may take to start. Spin compiles its application first.
const START_LIMIT: Duration = Duration::from_secs(60);

/// What the kernel counts in, for all of user space.
const MILLISECONDS_OF_A_TICK: u64 = 10;

/// After this long the threads have ended that a start needs, and their time with them: what is counted is that of the threads
/// that there are.
pub const SETTLED: Duration = Duration::from_secs(15);

/// How a service is started, and what it is asked.
#[derive(Clone)]
pub struct Plan {
    /// Its name in the table.
    pub name: &'static str,
    /// The program and its arguments; `{address}` is where it listens.
    pub command: Vec<String>,
    /// More of its environment; `{address}` as well.
    pub environment: Vec<(String, String)>,
    /// What is asked for a check now.
    pub check: &'static str,
    /// What a platform asks every ten seconds.
    pub probe: &'static str,
    /// What of it has to be on a disk.
    pub files: Vec<PathBuf>,
}

/// A service that runs; ended when dropped.
pub struct Service {
    process: Child,
    /// Where it listens.
    pub address: String,
    /// How long it took until a check of it was good.
    pub started_in: Duration,
}

impl Service {
    /// Starts one, and waits for its first good check.
    pub fn start(plan: &Plan, azure: &LocalAzure) -> Result<Self> {
        let address = format!("127.0.0.1:{}", port::any_free()?);
        let filled = |text: &String| text.replace("{address}", &address);
        let (program, arguments) = plan.command.split_first().context("no program")?;
        let environment = plan.environment.iter();
        let started = Instant::now();
        let process = Command::new(program)
            .args(arguments.iter().map(filled))
            .current_dir(workspace())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(variables(azure))
            .envs(environment.map(|(name, value)| (name, filled(value))))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("{program} cannot be run"))?;
        let mut service = Self {
            process,
            address,
            started_in: Duration::ZERO,
        };
        while !is_good(&service.address, plan.check) {
            ensure!(
                started.elapsed() < START_LIMIT,
                "{} does not start",
                plan.name
            );
        }
        service.started_in = started.elapsed();
        Ok(service)
    }

    /// The resident memory of its processes, in bytes.
    pub fn resident(&self) -> Result<u64> {
        let of = |id: u32| -> Option<u64> {
            let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
            let line = status
                .lines()
                .find_map(|line| line.strip_prefix("VmRSS:"))?;
            let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
            Some(kilobytes * 1024)
        };
        Ok(self.processes().into_iter().filter_map(of).sum())
    }

    /// The time that its processes have used, with that of threads that have ended: in hundredths of a second, which is enough
    /// under load.
    pub fn cpu_under_load(&self) -> Duration {
        let of = |id: u32| -> Option<u64> {
            let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
            // The name before may have spaces and parentheses (proc_pid_stat(5)).
            let (_, fields) = text.rsplit_once(')')?;
            let mut times = fields.split_whitespace().skip(11);
            let (user, system) = (times.next()?, times.next()?);
            Some(user.parse::<u64>().ok()? + system.parse::<u64>().ok()?)
        };
        let ticks: u64 = self.processes().into_iter().filter_map(of).sum();
        Duration::from_millis(ticks * MILLISECONDS_OF_A_TICK)
    }

    /// The time that its threads have run for, as far as they are still there.
    pub fn cpu(&self) -> Duration {
        let threads = self.threads();
        let of = |thread: PathBuf| -> Option<u64> {
            let text = fs::read_to_string(thread.join("schedstat")).ok()?;
            text.split(' ').next()?.parse().ok()
        };
        Duration::from_nanos(threads.into_iter().filter_map(of).sum())
    }

    /// How often its threads have woken up: each time that one gave up the processor to wait.
    pub fn wake_ups(&self) -> u64 {
        let of = |thread: PathBuf| -> Option<u64> {
            let status = fs::read_to_string(thread.join("status")).ok()?;
            let line = status
                .lines()
                .find_map(|l| l.strip_prefix("voluntary_ctxt_switches:"))?;
            line.trim().parse().ok()
        };
        self.threads().into_iter().filter_map(of).sum()
    }

    fn threads(&self) -> Vec<PathBuf> {
        let tasks = self
            .processes()
            .into_iter()
            .map(|id| format!("/proc/{id}/task"));
        let entries = tasks.filter_map(|tasks| fs::read_dir(tasks).ok()).flatten();
        entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .collect()
    }

    /// Its process and all that came of it.
    fn processes(&self) -> Vec<u32> {
        let mut found = vec![self.process.id()];
        let mut at = 0;
        while let Some(&parent) = found.get(at) {
            let children = format!("/proc/{parent}/task/{parent}/children");
            let children = fs::read_to_string(children).unwrap_or_default();
            found.extend(
                children
                    .split_whitespace()
                    .filter_map(|id| id.parse::<u32>().ok()),
            );
            at += 1;
        }
        found
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Its children first: Spin's trigger outlives a parent that was killed.
        for id in self.processes().into_iter().rev() {
            let _ = Command::new("kill")
                .args(["-KILL", &id.to_string()])
                .status();
        }
        let _ = self.process.wait();
    }
}

/// What all of them are told of the cache.
fn variables(azure: &LocalAzure) -> Vec<(&'static str, String)> {
    vec![
        ("REDIS_HOST", "localhost".to_owned()),
        ("REDIS_PORT", azure.redis.port().to_string()),
        ("REDIS_CA_FILE", azure.redis.ca_file().display().to_string()),
        ("REDIS_ACCESS_KEY", azure.access_key.clone()),
        ("RUST_LOG", "warn".to_owned()),
    ]
}

/// The bytes of files, and of all files in folders.
pub fn size(path: &Path) -> u64 {
    let Ok(metadata) = fs::symlink_metadata(path) else {
        return 0;
    };
    if !metadata.is_dir() {
        return metadata.len();
    }
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries.map(|entry| size(&entry.path())).sum()
}

/// Whether a path answers with 200. One request by hand: a client library would take longer to start than what is measured.
pub fn is_good(address: &str, path: &str) -> bool {
    use std::io::{Read as _, Write as _};
    let Ok(mut stream) = TcpStream::connect(address) else {
        return false;
    };
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    let mut answer = String::new();
    stream.write_all(request.as_bytes()).is_ok()
        && stream.read_to_string(&mut answer).is_ok()
        && answer.starts_with("HTTP/1.1 200")
}
