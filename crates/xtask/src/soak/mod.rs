//! `cargo xtask soak`: load and random faults on `serve`, and an independent client that judges
//! every verdict.
//!
//! A *false green* is a verdict that passes while the client fails before it, during it and after
//! it. A *stuck red* is a verdict that fails though the client has worked for two sampling intervals
//! and a deadline. There must be none of either, and memory and file descriptors must stay flat. Nobody reads the log,
//! which is full after a second: that must not matter to anybody.

mod faults;
mod judge;
mod load;
mod process;

use crate::shell::say;
use crate::{build, install};
use anyhow::{Context as _, Result, bail};
use cache_health_local_azure::{LocalAzure, port};
use clap::Args;
use faults::{Faults, Made};
use judge::{Judge, Truth};
use load::{Answer, Route};
use process::Process;
use std::collections::BTreeMap;
use std::process::Command;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The deadline of a check, the sampling period, and the failing samples that take readiness away.
const DEADLINE: Duration = Duration::from_secs(1);
const INTERVAL: Duration = Duration::from_millis(500);
const FAILURES: u32 = 2;
/// What a loaded machine may add.
const SLACK: Duration = Duration::from_millis(500);
/// How long a run is only watched, until caches are warm.
const WARM_UP: Duration = Duration::from_secs(20);
/// How often the process is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// What memory and file descriptors may grow by after the warm-up.
const MORE_MEMORY: u64 = 8 * 1024 * 1024;
const MORE_FILES: usize = 32;

/// The arguments of `soak`.
#[derive(Args)]
pub struct SoakArgs {
    /// How long, in minutes.
    #[arg(long, default_value_t = 20)]
    minutes: u64,
}

/// Runs it, prints the table, and fails if anything in it is wrong.
pub fn soak(args: &SoakArgs) -> Result<()> {
    install::redis_server()?;
    build::program()?;
    let azure = LocalAzure::start(0, true)?;
    let port = port::any_free()?;
    let mut process = Process::start(&azure, port)?;
    let judge = Judge::of(&azure);
    let leave = AtomicBool::new(false);
    let length = Duration::from_secs(args.minutes * 60);
    say(&format!("soaking for {} minutes", args.minutes));

    let mut faults = Faults::new(azure);
    let run = std::thread::scope(|scope| {
        let judged = scope.spawn(|| judge.watch(&leave));
        let loaded = load::start(scope, port, &leave);
        let made = scope.spawn(|| faults.make(&leave));
        let watched = process.watch(length);
        leave.store(true, Ordering::SeqCst);
        let truth = judged
            .join()
            .map_err(|_| anyhow::anyhow!("the judge panicked"))?;
        let answers: Result<Vec<Vec<Answer>>, _> =
            loaded.into_iter().map(|thread| thread.join()).collect();
        let answers = answers
            .map_err(|_| anyhow::anyhow!("a client panicked"))?
            .concat();
        let made = made
            .join()
            .map_err(|_| anyhow::anyhow!("the faults panicked"))??;
        anyhow::Ok((truth, answers, made, watched?))
    });
    let (truth, answers, made, watched) = run?;
    let wrong = report(&truth, &answers, &made, &watched);
    process.end()?;
    if wrong {
        bail!("the soak found something wrong");
    }
    Ok(())
}

/// Prints the table; whether anything in it is wrong.
fn report(truth: &Truth, answers: &[Answer], made: &Made, watched: &process::Watched) -> bool {
    let mut counts: BTreeMap<(Route, &str), u32> = BTreeMap::new();
    let (mut false_greens, mut stuck_reds) = (0, 0);
    for answer in answers {
        *counts.entry((answer.route, answer.word())).or_default() += 1;
        // Readiness is damped: it may be behind by as many samples as it takes.
        let behind = match answer.route {
            Route::Fresh => answer.age,
            Route::Ready => (INTERVAL.mul_f64(1.1) + DEADLINE) * FAILURES + SLACK,
            Route::Live => continue,
        };
        if answer.works && truth.failed_throughout(answer.started, answer.ended, behind) {
            false_greens += 1;
            println!("false green on {}", answer.route);
        }
        let settled = INTERVAL * 2 + DEADLINE + SLACK;
        // The client is slower than the shortest fault, a restart: it can miss one.
        let quiet = made.none_since(answer.started, answer.ended, settled);
        if !answer.works && quiet && truth.worked_throughout(answer.started, answer.ended, settled)
        {
            stuck_reds += 1;
            println!("stuck red on {}: {}", answer.route, answer.said);
        }
    }
    let dead = counts.get(&(Route::Live, "fails")).copied().unwrap_or(0);
    println!("\n| what | count |\n|---|---|");
    for (fault, count) in made.counts() {
        println!("| fault: {fault} | {count} |");
    }
    for ((route, word), count) in &counts {
        println!("| {route} {word} | {count} |");
    }
    println!("| the judge's own round trips | {} |", truth.len());
    println!("| false greens | {false_greens} |\n| stuck reds | {stuck_reds} |");
    println!(
        "| resident memory: warm, most, end | {} / {} / {} KiB |",
        watched.warm.memory / 1024,
        watched.most.memory / 1024,
        watched.end.memory / 1024
    );
    println!(
        "| file descriptors: warm, most, end | {} / {} / {} |",
        watched.warm.files, watched.most.files, watched.end.files
    );
    let grew = watched.end.memory > watched.warm.memory + MORE_MEMORY
        || watched.end.files > watched.warm.files + MORE_FILES;
    // A run in which nothing was judged has shown nothing.
    let judged = |route, word| counts.get(&(route, word)).copied().unwrap_or(0) > 0;
    let shown = judged(Route::Fresh, "passes")
        && judged(Route::Fresh, "fails")
        && judged(Route::Ready, "passes")
        && judged(Route::Live, "passes")
        && truth.len() > 0;
    false_greens + stuck_reds + dead > 0 || grew || !shown
}

/// The program, with the environment that it would find in Container Apps.
fn program(azure: &LocalAzure, port: u16) -> Result<Command> {
    let identity = azure.identity.as_ref().context("an identity")?;
    let mut command = Command::new(build::dist());
    command
        .args(["serve", "--listen", &format!("127.0.0.1:{port}")])
        .env_clear()
        .env("REDIS_HOST", "localhost")
        .env("REDIS_PORT", azure.redis.port().to_string())
        .env("REDIS_CA_FILE", azure.redis.ca_file())
        .env("IDENTITY_ENDPOINT", identity.url())
        .env("IDENTITY_HEADER", &identity.header)
        .env("CACHE_HEALTH_TIMEOUT", humantime(DEADLINE))
        .env("CACHE_HEALTH_INTERVAL", humantime(INTERVAL))
        .env("CACHE_HEALTH_FAILURES", FAILURES.to_string())
        .env("CACHE_HEALTH_NEW_CONNECTION_EVERY", "5s")
        .env("RUST_LOG", "debug");
    Ok(command)
}

fn humantime(duration: Duration) -> String {
    format!("{}ms", duration.as_millis())
}

/// Waits, but not when somebody wants to leave.
fn pause(length: Duration, leave: &AtomicBool) {
    let until = Instant::now() + length;
    while Instant::now() < until && !leave.load(Ordering::SeqCst) {
        std::thread::sleep(Duration::from_millis(20));
    }
}
