//! `cargo xtask bench`: ours and the native service side by side, on the same machine, the same Redis, in the same run.
//! Only the ratios mean anything.

mod service;

use crate::image;
use crate::install::{self, MUSL};
use crate::shell::{cargo, check, say};
use anyhow::{Result, ensure};
use cache_health_local_azure::LocalAzure;
use clap::Args;
use service::Service;
use std::process::{Command, Stdio};

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
    /// Microseconds.
    median: f64,
    per_second: f64,
}

/// A load on both services.
struct Load {
    name: &'static str,
    /// The path of ours, and of the native service.
    paths: (&'static str, &'static str),
    clients: &'static str,
    new_connections: bool,
    value: fn(&Found) -> f64,
    aim: &'static str,
}

const FRESH: (&str, &str) = ("/healthz?fresh=1", "/healthz");

const LOADS: [Load; 4] = [
    Load {
        name: "fresh check, 1 client, p50 µs",
        paths: FRESH,
        clients: "1",
        new_connections: false,
        value: |found| found.median,
        aim: "≤ 1.3",
    },
    Load {
        name: "the same, a new connection each, p50 µs",
        paths: FRESH,
        clients: "1",
        new_connections: true,
        value: |found| found.median,
        aim: "≤ 1.1",
    },
    Load {
        name: "fresh check, 64 clients, checks/s",
        paths: FRESH,
        clients: "64",
        new_connections: false,
        value: |found| found.per_second,
        aim: "≥ 1.0",
    },
    Load {
        name: "/readyz against a constant, p50 µs",
        paths: ("/readyz", "/constant"),
        clients: "1",
        new_connections: false,
        value: |found| found.median,
        aim: "≤ 1.2",
    },
];

/// Measures and prints.
pub fn bench(args: &BenchArgs) -> Result<()> {
    install::redis_server()?;
    let (ours, native) = build()?;
    let (rounds, milliseconds) = if args.quick { (3, 2000) } else { (5, 8000) };
    let azure = LocalAzure::start(0, false)?;
    let native = Service::start(&native, &[], "BASELINE_LISTEN", "/constant", &azure)?;
    let ours = Service::start(&ours, &["serve"], "CACHE_HEALTH_LISTEN", "/readyz", &azure)?;

    let mut table = vec![
        format!("| side by side, medians of {rounds} rounds | ours | native | ratio | aim |"),
        "|---|---|---|---|---|".to_owned(),
    ];
    for load in &LOADS {
        say(&format!("{}, {rounds} rounds", load.name));
        let mut pairs = Vec::new();
        for _ in 0..rounds {
            let native = load.run(&native.address, load.paths.1, milliseconds)?;
            pairs.push((load.run(&ours.address, load.paths.0, milliseconds)?, native));
        }
        table.push(load.row(&pairs));
    }
    table.push(memory(&ours, &native)?);
    table.push(format!(
        "| start to the first 200 on /readyz, ms | {:.0} | {:.0} | | ≤ 50 |",
        ours.started_in.as_secs_f64() * 1000.0,
        native.started_in.as_secs_f64() * 1000.0
    ));
    println!("{}", table.join("\n"));
    Ok(())
}

/// Builds both services and the load; returns where the services are.
fn build() -> Result<(std::path::PathBuf, std::path::PathBuf)> {
    let ours = image::program()?;
    say("building the native service and the load");
    let package = ["-p", "cache-health-bench"];
    let profile = ["build", "--profile", image::PROFILE, "--target", MUSL];
    check(cargo(&profile).args(package))?;
    Ok((ours, image::built("baseline")))
}

impl Load {
    fn run(&self, address: &str, path: &str, milliseconds: u32) -> Result<Found> {
        let mut command = Command::new(image::built("load"));
        command
            .args([address, path, "--clients", self.clients, "--milliseconds"])
            .arg(milliseconds.to_string());
        if self.new_connections {
            command.arg("--new-connections");
        }
        let output = command.stderr(Stdio::inherit()).output()?;
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

    fn row(&self, pairs: &[(Found, Found)]) -> String {
        let (name, aim) = (self.name, self.aim);
        let ours = median(pairs.iter().map(|(ours, _)| (self.value)(ours)));
        let native = median(pairs.iter().map(|(_, native)| (self.value)(native)));
        let ratio = |(ours, native): &(Found, Found)| (self.value)(ours) / (self.value)(native);
        let ratio = median(pairs.iter().map(ratio));
        format!("| {name} | {ours:.0} | {native:.0} | {ratio:.2} | {aim} |")
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn memory(ours: &Service, native: &Service) -> Result<String> {
    let megabytes = |bytes: u64| bytes as f64 / (1024.0 * 1024.0);
    Ok(format!(
        "| resident memory after the load, MB | {:.1} | {:.1} | | ≤ 25 |",
        megabytes(ours.resident()?),
        megabytes(native.resident()?)
    ))
}
