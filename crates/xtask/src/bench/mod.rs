//! `cargo xtask bench`: ours and what people would use instead side by side, on the same machine, the same Redis, in the same
//! run. Only the ratios mean anything. What it found is in `docs/benchmarks.md`, below a line that says so.

mod growth;
mod idle;
mod load;
mod plans;
mod service;
mod table;

use crate::shell::{say, workspace};
use anyhow::{Context as _, Result};
use cache_health_local_azure::LocalAzure;
use clap::Args;
use load::{Found, Load, median};
use service::{Plan, Service, size};
use table::{Table, number};

/// Above it people write, below it this does.
const MARK: &str = "<!-- cargo xtask bench writes what follows -->\n";
const DOCUMENT: &str = "docs/benchmarks.md";
/// How many clients there are, one after the other.
const CLIENTS: [u32; 4] = [1, 16, 64, 256];
const PROBES: f64 = 10_000.0;
const MEGABYTE: f64 = 1e6;

/// The arguments of `bench`.
#[derive(Args)]
pub struct BenchArgs {
    /// Fewer and shorter rounds.
    #[arg(long)]
    quick: bool,
    /// Only ours and the native service, under load: what a change of the code is judged by. Nothing is written.
    #[arg(long)]
    check: bool,
}

/// How long and how often.
#[derive(Clone, Copy)]
struct Pace {
    rounds: usize,
    milliseconds: u32,
}

/// Measures, prints and writes.
pub fn bench(args: &BenchArgs) -> Result<()> {
    let azure = LocalAzure::start(0, false)?;
    let plans = if args.check {
        plans::judging()?
    } else {
        plans::all(&azure)?
    };
    let pace = if args.quick || args.check {
        Pace {
            rounds: 3,
            milliseconds: 1500,
        }
    } else {
        Pace {
            rounds: 5,
            milliseconds: 4000,
        }
    };
    let columns = plans.iter().map(|plan| plan.name).chain(["ours / native"]);
    let mut table = Table::of("side by side", columns);
    let (started, services) = start(&plans, pace, &azure)?;
    table.row("start to the first good check, ms", with_ratio(&started));
    let memory = resident(&services)?;
    table.row("resident memory after that, MB", with_ratio(&memory));
    under_load(&plans, &services, pace, &mut table)?;
    let memory = resident(&services)?;
    table.row("resident memory after the load, MB", with_ratio(&memory));
    per_probe(&plans, &services, &azure, pace, &mut table)?;
    let sizes: Vec<f64> = plans
        .iter()
        .map(|plan| plan.files.iter().map(|file| size(file)).sum::<u64>() as f64 / MEGABYTE)
        .collect();
    table.row("size on disk, MB", with_ratio(&sizes));
    drop(services);
    let mut parts = vec![machine(pace), table.text()];
    if !args.check {
        parts.push(idle::at_rest(&plans, args.quick, &azure)?.text());
        println!("{}", parts.join("\n\n"));
        parts.push(growth::grow(&plans[0], args.quick)?);
    }
    let text = parts.join("\n\n");
    println!("{text}");
    if args.check {
        return Ok(());
    }
    write(&text)
}

/// Starts each a few times; how long that took, and the last ones, which run on.
fn start(plans: &[Plan], pace: Pace, azure: &LocalAzure) -> Result<(Vec<f64>, Vec<Service>)> {
    say("starting");
    let (mut times, mut services) = (Vec::new(), Vec::new());
    for plan in plans {
        let started = (1..pace.rounds).map(|_| Service::start(plan, azure));
        let started = started.collect::<Result<Vec<_>>>()?;
        let last = Service::start(plan, azure)?;
        let all = started
            .iter()
            .chain([&last])
            .map(|s| s.started_in.as_secs_f64() * 1e3);
        times.push(median(all));
        services.push(last);
    }
    Ok((times, services))
}

fn under_load(plans: &[Plan], services: &[Service], pace: Pace, table: &mut Table) -> Result<()> {
    let load = |clients, new_connections| Load {
        clients,
        new_connections,
        milliseconds: pace.milliseconds,
    };
    for (name, load) in [
        ("fresh check, one client", load(1, false)),
        ("the same, a new HTTP connection each", load(1, true)),
    ] {
        let found = rounds(plans, services, load, pace.rounds, name)?;
        table.row(
            &format!("{name}: p50, µs"),
            ratio_of(&found, |found| found.p50),
        );
        table.row("p99, µs", ratio_of(&found, |found| found.p99));
    }
    for clients in CLIENTS {
        let name = format!("checks a second, {clients} clients");
        let found = rounds(plans, services, load(clients, false), pace.rounds, &name)?;
        table.row(&name, ratio_of(&found, |found| found.per_second));
    }
    Ok(())
}

/// What each found in each round; the services take turns, so that what else the machine does is shared.
fn rounds(
    plans: &[Plan],
    services: &[Service],
    load: Load,
    rounds: usize,
    name: &str,
) -> Result<Vec<Vec<Found>>> {
    say(&format!("{name}: {rounds} rounds"));
    let mut found: Vec<Vec<Found>> = plans.iter().map(|_| Vec::new()).collect();
    for _ in 0..rounds {
        for ((plan, service), found) in plans.iter().zip(services).zip(&mut found) {
            found.push(load.run(&service.address, plan.check)?);
        }
    }
    Ok(found)
}

/// What ten thousand checks of one client cost: processor, commands and connections.
fn per_probe(
    plans: &[Plan],
    services: &[Service],
    azure: &LocalAzure,
    pace: Pace,
    table: &mut Table,
) -> Result<()> {
    say("what a probe costs");
    let load = Load {
        clients: 1,
        new_connections: false,
        milliseconds: pace.milliseconds,
    };
    let (mut cpu, mut commands, mut connections) = (Vec::new(), Vec::new(), Vec::new());
    for (plan, service) in plans.iter().zip(services) {
        let before = (service.cpu_under_load(), counted(azure)?);
        let found = load.run(&service.address, plan.check)?;
        let made = found.per_second * f64::from(pace.milliseconds) / 1e3;
        let (cpu_after, after) = (service.cpu_under_load(), counted(azure)?);
        cpu.push(cpu_after.saturating_sub(before.0).as_secs_f64() / made * PROBES);
        commands.push((after.0 - before.1.0) / made * PROBES);
        connections.push((after.1 - before.1.1) / made * PROBES);
    }
    table.row("processor seconds for 10 000 checks", with_ratio(&cpu));
    table.row("commands of Redis for 10 000 checks", with_ratio(&commands));
    let connections = connections.into_iter().map(number).chain(["".to_owned()]);
    table.row("connections to Redis for 10 000 checks", connections);
    Ok(())
}

/// The commands and connections that Redis has counted.
fn counted(azure: &LocalAzure) -> Result<(f64, f64)> {
    let stats = azure.redis.command(&["INFO", "stats"])?;
    let of = |name: &str| {
        let line = stats.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|value| value.trim().parse().ok())
            .with_context(|| format!("no {name}"))
    };
    Ok((
        of("total_commands_processed:")?,
        of("total_connections_received:")?,
    ))
}

/// The resident memory of each, in megabytes.
fn resident(services: &[Service]) -> Result<Vec<f64>> {
    let of = |service: &Service| Ok(service.resident()? as f64 / MEGABYTE);
    services.iter().map(of).collect()
}

fn ratio_of(found: &[Vec<Found>], of: impl Fn(&Found) -> f64) -> Vec<String> {
    let medians: Vec<f64> = found
        .iter()
        .map(|found| median(found.iter().map(&of)))
        .collect();
    let pairs = found[0].iter().zip(&found[1]);
    let ratio = median(pairs.map(|(ours, native)| of(ours) / of(native)));
    medians
        .into_iter()
        .map(number)
        .chain([format!("**{ratio:.2}**")])
        .collect()
}

fn with_ratio(values: &[f64]) -> Vec<String> {
    let ratio = values[0] / values[1];
    values
        .iter()
        .copied()
        .map(number)
        .chain([format!("{ratio:.2}")])
        .collect()
}

/// What it ran on.
fn machine(pace: Pace) -> String {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name"));
    let model = model
        .unwrap_or_default()
        .trim_start_matches(['\t', ' ', ':']);
    let cores = cpu.matches("processor\t").count();
    let kernel = read("/proc/sys/kernel/osrelease");
    format!(
        "On {model}, {cores} cores, Linux {}; Redis over TLS on loopback. Medians of {} rounds of {} ms.",
        kernel.trim(),
        pace.rounds,
        pace.milliseconds
    )
}

fn write(text: &str) -> Result<()> {
    let file = workspace().join(DOCUMENT);
    let document = std::fs::read_to_string(&file)?;
    let (written, _) = document
        .split_once(MARK)
        .context("docs/benchmarks.md has no mark")?;
    std::fs::write(&file, format!("{written}{MARK}\n{text}\n"))?;
    Ok(())
}
