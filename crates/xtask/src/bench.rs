//! `cargo xtask bench`: ours and the native service side by side, on the same machine, the same
//! Redis, in the same run. Only the ratios mean anything.

use crate::image;
use crate::install::{self, MUSL};
use crate::shell::{cargo, check, say, workspace};
use anyhow::{Context as _, Result, ensure};
use cache_health_local_azure::{LocalAzure, port};
use clap::Args;
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a service may take to start.
const START_LIMIT: Duration = Duration::from_secs(10);

/// The arguments of `bench`.
#[derive(Args)]
pub struct BenchArgs {
    /// Fewer and shorter rounds.
    #[arg(long)]
    quick: bool,
}

/// What one load found.
#[derive(Clone, Copy)]
struct Found {
    median: f64,
    per_second: f64,
}

struct Service {
    process: Child,
    address: String,
    started_in: Duration,
}

/// Measures and prints.
pub fn bench(args: &BenchArgs) -> Result<()> {
    install::redis_server()?;
    let program = image::program()?;
    say("building the native service and the load");
    let package = [
        "build",
        "--profile",
        image::PROFILE,
        "--target",
        MUSL,
        "-p",
        "cache-health-bench",
    ];
    check(&mut cargo(&package))?;
    let (rounds, milliseconds) = if args.quick { (3, 2000) } else { (5, 8000) };

    let azure = LocalAzure::start(0, false)?;
    let native = Service::start(
        &image::built("baseline"),
        &[],
        "BASELINE_LISTEN",
        "/constant",
        &azure,
    )?;
    let ours = Service::start(
        &program,
        &["serve"],
        "CACHE_HEALTH_LISTEN",
        "/readyz",
        &azure,
    )?;

    let run = |what: &str, paths: (&str, &str), clients: &str, kind: &[&str]| -> Result<_> {
        say(&format!("{what}, {rounds} rounds"));
        let length = milliseconds.to_string();
        let mut arguments = vec!["--clients", clients, "--milliseconds", &length];
        arguments.extend(kind);
        let mut pairs = Vec::new();
        for _ in 0..rounds {
            let native = load(&native.address, paths.1, &arguments)?;
            pairs.push((load(&ours.address, paths.0, &arguments)?, native));
        }
        Ok(pairs)
    };
    let fresh = ("/healthz?fresh=1", "/healthz");
    let one = run("a fresh check, 1 client", fresh, "1", &[])?;
    let probe = run(
        "the same, each on a new connection",
        fresh,
        "1",
        &["--new-connections"],
    )?;
    let many = run("a fresh check, 64 clients", fresh, "64", &[])?;
    let loaded = (ours.resident()?, native.resident()?);
    let ready = run("/readyz, 1 client", ("/readyz", "/constant"), "1", &[])?;

    println!("| side by side, medians of {rounds} rounds | ours | native | ratio | aim |");
    println!("|---|---|---|---|---|");
    row(
        "fresh check, 1 client, p50 µs",
        &one,
        |found| found.median,
        "≤ 1.3",
    );
    row(
        "the same, a new connection each, p50 µs",
        &probe,
        |found| found.median,
        "≤ 1.3",
    );
    row(
        "fresh check, 64 clients, checks/s",
        &many,
        |found| found.per_second,
        "≥ 1.0",
    );
    row(
        "/readyz against a constant, p50 µs",
        &ready,
        |found| found.median,
        "≤ 1.2",
    );
    let megabytes = |bytes: u64| bytes as f64 / (1024.0 * 1024.0);
    println!(
        "| resident memory after the load, MB | {:.1} | {:.1} | | ≤ 25 |",
        megabytes(loaded.0),
        megabytes(loaded.1)
    );
    println!(
        "| start to the first 200 on /readyz, ms | {:.0} | {:.0} | | ≤ 50 |",
        ours.started_in.as_secs_f64() * 1000.0,
        native.started_in.as_secs_f64() * 1000.0
    );
    Ok(())
}

fn row(name: &str, pairs: &[(Found, Found)], value: impl Fn(&Found) -> f64, aim: &str) {
    let median = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let ours = median(pairs.iter().map(|(ours, _)| value(ours)).collect());
    let native = median(pairs.iter().map(|(_, native)| value(native)).collect());
    let ratio = median(
        pairs
            .iter()
            .map(|(ours, native)| value(ours) / value(native))
            .collect(),
    );
    println!("| {name} | {ours:.0} | {native:.0} | {ratio:.2} | {aim} |");
}

fn load(address: &str, path: &str, arguments: &[&str]) -> Result<Found> {
    let output = Command::new(image::built("load"))
        .args([address, path])
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let numbers: Vec<f64> = text
        .split_whitespace()
        .map(str::parse)
        .collect::<Result<_, _>>()?;
    let [median, per_second, failed] = numbers[..] else {
        anyhow::bail!("the load printed {text:?}");
    };
    ensure!(
        failed == 0.0,
        "{failed} answers of {address}{path} were not 200"
    );
    Ok(Found { median, per_second })
}

impl Service {
    fn start(
        program: &std::path::Path,
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

    fn resident(&self) -> Result<u64> {
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
