//! A service under load: ours or the native one.

use crate::shell::workspace;
use anyhow::{Context as _, Result, ensure};
use cache_health_local_azure::{LocalAzure, port};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// How long a service may take to start.
const START_LIMIT: Duration = Duration::from_secs(10);

/// A service that runs; killed when dropped.
pub struct Service {
    process: Child,
    /// Where it listens.
    pub address: String,
    /// How long it took until it was ready.
    pub started_in: Duration,
}

impl Service {
    /// Starts one. `listen`: the variable that tells it where to listen; `ready`: what it answers once it is ready.
    pub fn start(
        program: &Path,
        arguments: &[&str],
        listen: &str,
        ready: &str,
        azure: &LocalAzure,
    ) -> Result<Self> {
        let address = format!("127.0.0.1:{}", port::any_free()?);
        let started = Instant::now();
        let process = Command::new(program)
            .args(arguments)
            .current_dir(workspace())
            .env_clear()
            .env("REDIS_HOST", "localhost")
            .env("REDIS_PORT", azure.redis.port().to_string())
            .env("REDIS_CA_FILE", azure.redis.ca_file())
            .env("REDIS_ACCESS_KEY", &azure.access_key)
            .env("REDIS_AUTH", "access-key")
            .env("RUST_LOG", "warn")
            // What is measured is what a check costs, and not how few of them there may be.
            .env("CACHE_HEALTH_MAX_CONNECTIONS_PER_SECOND", "1000000")
            .env("CACHE_HEALTH_MAX_CHECKS_PER_SECOND", "1000000")
            .env(listen, &address)
            .spawn()
            .with_context(|| format!("{} cannot be run", program.display()))?;
        let mut service = Self {
            process,
            address,
            started_in: Duration::ZERO,
        };
        while !is_ready(&service.address, ready) {
            ensure!(
                started.elapsed() < START_LIMIT,
                "{} does not start",
                program.display()
            );
        }
        service.started_in = started.elapsed();
        Ok(service)
    }

    /// Its resident memory, in bytes.
    pub fn resident(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line
            .and_then(|line| line.split_whitespace().next())
            .context("no VmRSS")?;
        Ok(kilobytes.parse::<u64>()? * 1024)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// One request by hand: a client library would take longer to start than what is measured.
fn is_ready(address: &str, path: &str) -> bool {
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
