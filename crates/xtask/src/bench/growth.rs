//! How the cost grows: with the replicas of one cache, with the probes that they get, and with the caches that one process looks at.

use super::counted;
use super::service::{Plan, SETTLED, Service, is_good};
use super::table::{Table, number};
use crate::build::target;
use crate::shell::say;
use anyhow::{Result, ensure};
use cache_health_local_azure::LocalAzure;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

const REPLICAS: usize = 100;
const CACHES: [usize; 3] = [1, 10, 30];
const FREQUENCIES: [u32; 3] = [1, 10, 100];

/// All three.
pub fn grow(ours: &Plan, quick: bool) -> Result<String> {
    let length = Duration::from_secs(if quick { 20 } else { 60 });
    let parts = [replicas(ours, length)?, frequency(ours)?, caches(ours)?];
    Ok(parts.join("\n\n"))
}

/// A hundred processes that look at one cache, at the default interval.
fn replicas(ours: &Plan, length: Duration) -> Result<String> {
    say(&format!("{REPLICAS} replicas, for {} s", length.as_secs()));
    let azure = LocalAzure::start(0, false)?;
    let services = (0..REPLICAS).map(|_| Service::start(ours, &azure));
    let services = services.collect::<Result<Vec<_>>>()?;
    std::thread::sleep(SETTLED);
    let logins = || azure.redis.calls("auth");
    let (before, logins_before) = (counted(&azure)?, logins()?);
    let cpu = || services.iter().map(Service::cpu).sum::<Duration>();
    let cpu_before = cpu();
    std::thread::sleep(length);
    let (after, logins_after) = (counted(&azure)?, logins()?);
    let a_second = |count: f64| number(count / length.as_secs_f64());
    let mut table = Table::of("replicas of one cache", ["all of them", "each"]);
    let mut row = |name: &str, all: f64| {
        let each = all / REPLICAS as f64 / length.as_secs_f64();
        table.row(name, [a_second(all), format!("{each:.3}")]);
    };
    row("commands a second", after.0 - before.0);
    row("new connections a second", after.1 - before.1);
    row("logins a second", (logins_after - logins_before) as f64);
    row(
        "processor seconds a second",
        cpu().saturating_sub(cpu_before).as_secs_f64(),
    );
    Ok(table.text())
}

/// The same process, probed more and more often.
fn frequency(ours: &Plan) -> Result<String> {
    const LENGTH: Duration = Duration::from_secs(10);
    say("more and more probes");
    let azure = LocalAzure::start(0, false)?;
    let service = Service::start(ours, &azure)?;
    let mut table = Table::of(
        "`/readyz` a second",
        ["processor ms a second", "commands of Redis a second"],
    );
    for frequency in FREQUENCIES {
        let (cpu, before) = (service.cpu(), counted(&azure)?);
        let started = Instant::now();
        let mut asked = 0;
        while started.elapsed() < LENGTH {
            ensure!(
                is_good(&service.address, ours.probe),
                "a probe was not good"
            );
            asked += 1;
            let next = started + Duration::from_secs(1) * asked / frequency;
            std::thread::sleep(next.saturating_duration_since(Instant::now()));
        }
        let seconds = started.elapsed().as_secs_f64();
        let cpu = service.cpu().saturating_sub(cpu).as_secs_f64() * 1e3 / seconds;
        let commands = (counted(&azure)?.0 - before.0) / seconds;
        table.row(&frequency.to_string(), [number(cpu), number(commands)]);
    }
    Ok(table.text())
}

/// One process that looks at more and more caches by `/probe`: each has an instance of the component.
fn caches(ours: &Plan) -> Result<String> {
    say("more and more caches");
    let azure = LocalAzure::start(0, false)?;
    let mut table = Table::of(
        "caches of one process",
        ["resident memory, MB", "MB for each more"],
    );
    let key = target().join("bench.key");
    std::fs::write(&key, &azure.access_key)?;
    let mut least = None;
    for caches in CACHES {
        let mut targets = String::new();
        for cache in 0..caches {
            let target = serde_json::json!({
                "name": format!("cache-{cache}"),
                "REDIS_HOST": "localhost",
                "REDIS_PORT": azure.redis.port().to_string(),
                "REDIS_ACCESS_KEY_FILE": key.display().to_string(),
            });
            writeln!(targets, "{target}")?;
        }
        let file = target().join("bench.targets");
        std::fs::write(&file, targets)?;
        let mut environment = ours.environment.clone();
        let file = file.display().to_string();
        environment.push(("CACHE_HEALTH_TARGETS_FILE".to_owned(), file));
        let plan = Plan {
            environment,
            ..ours.clone()
        };
        let service = Service::start(&plan, &azure)?;
        for cache in 0..caches {
            let path = format!("/probe?target=cache-{cache}");
            ensure!(is_good(&service.address, &path), "no answer on {path}");
        }
        let resident = service.resident()? as f64 / 1e6;
        let (first, from) = *least.get_or_insert((resident, caches));
        let more = (resident - first) / (caches - from).max(1) as f64;
        table.row(&caches.to_string(), [number(resident), number(more)]);
    }
    Ok(table.text())
}
