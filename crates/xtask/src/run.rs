//! `cargo xtask run`: see it work, against a local stand-in for Azure.

use crate::shell::say;
use crate::{build, install};
use anyhow::{Context as _, Result};
use cache_health_standin::{AZURE_PORT, Standin, port};
use clap::Args;
use signal_hook::consts::{SIGINT, SIGTERM};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often to check again.
const INTERVAL: Duration = Duration::from_secs(10);
/// How often to look whether somebody wants to leave.
const LOOK: Duration = Duration::from_millis(50);

/// The arguments of `run`.
#[derive(Args)]
pub struct RunArgs {
    /// Exit after the first verdict, with its exit code.
    #[arg(long)]
    once: bool,
    /// Authenticate with an access key: no identity, REDIS_AUTH=access-key.
    #[arg(long)]
    access_key: bool,
}

/// Starts the stand-in, checks it, and cleans up.
pub fn run(args: &RunArgs) -> Result<ExitCode> {
    install::redis_server()?;
    build::build()?;

    let leave = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&leave))?;
    }
    let port = if port::is_free(AZURE_PORT) {
        AZURE_PORT
    } else {
        say(&format!(
            "port {AZURE_PORT} is taken; the stand-in takes another"
        ));
        0
    };
    let standin = Standin::start(port, !args.access_key)?;
    say(&format!(
        "a stand-in for Azure runs: redis-server with TLS on localhost:{}{}",
        standin.redis.port(),
        if args.access_key {
            ""
        } else {
            ", and an identity endpoint"
        }
    ));
    loop {
        println!();
        let status = check(&standin, args.access_key)
            .status()
            .context("dist/cache-health cannot be run")?;
        let code = status
            .code()
            .and_then(|code| u8::try_from(code).ok())
            .unwrap_or(1);
        if args.once {
            return Ok(code.into());
        }
        println!();
        say(&format!(
            "checking again in {} s; Ctrl-C ends it",
            INTERVAL.as_secs()
        ));
        let until = Instant::now() + INTERVAL;
        while Instant::now() < until {
            if leave.load(Ordering::Relaxed) {
                return Ok(ExitCode::SUCCESS);
            }
            std::thread::sleep(LOOK);
        }
    }
}

fn check(standin: &Standin, access_key: bool) -> Command {
    let mut command = Command::new(build::program());
    // Nothing of the developer's own shell: what it has set for a real cache must not get in the
    // way here.
    command
        .arg("check")
        .env_clear()
        .env("REDIS_HOST", "localhost")
        .env("REDIS_PORT", standin.redis.port().to_string())
        .env("REDIS_CA_FILE", standin.redis.ca_file())
        .env("RUST_LOG", "warn");
    if access_key {
        command
            .env("REDIS_AUTH", "access-key")
            .env("REDIS_ACCESS_KEY", &standin.access_key);
    }
    if let Some(identity) = &standin.identity {
        command
            .env("IDENTITY_ENDPOINT", identity.url())
            .env("IDENTITY_HEADER", &identity.header);
    }
    command
}
