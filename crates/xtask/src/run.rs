//! `cargo xtask run`: see it work, against a local stand-in for Azure.

use crate::shell::say;
use crate::{build, install};
use anyhow::{Context as _, Result, bail};
use cache_health_local_azure::{AZURE_PORT, LocalAzure, port, token};
use clap::Args;
use signal_hook::consts::{SIGINT, SIGTERM};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The port that the URLs in the documentation have, if it is free.
const HTTP_PORT: u16 = 8080;
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
    build::program()?;

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
    let azure = LocalAzure::start(port, !args.access_key)?;
    say(&format!(
        "a stand-in for Azure runs: redis-server with TLS on localhost:{}{}",
        azure.redis.port(),
        if args.access_key {
            ""
        } else {
            ", and an identity endpoint"
        }
    ));
    println!();
    let status = program(&azure, args.access_key)
        .arg("check")
        .status()
        .context("dist/cache-health cannot be run")?;
    if args.once {
        let code = status.code().and_then(|code| u8::try_from(code).ok());
        return Ok(code.unwrap_or(1).into());
    }
    serve(&azure, args.access_key, &leave)
}

/// Serves until somebody wants to leave.
fn serve(azure: &LocalAzure, access_key: bool, leave: &AtomicBool) -> Result<ExitCode> {
    let port = if port::is_free(HTTP_PORT) {
        HTTP_PORT
    } else {
        port::any_free()?
    };
    let address = format!("127.0.0.1:{port}");
    // Made up for this run.
    let operator = token::object_id();
    let mut server = program(azure, access_key)
        .env("CACHE_HEALTH_OPERATOR_TOKEN", &operator)
        .args(["serve", "--listen", &address])
        .spawn()
        .context("dist/cache-health cannot be run")?;
    println!();
    say(&format!(
        "serving on {address}, a check every 10 s; Ctrl-C ends it"
    ));
    let as_operator = format!("-u operator:{operator}");
    for (user, path, what) in [
        ("-i", "/healthz", "the verdict, as anybody sees it"),
        ("-i", "/healthz?fresh=1", "the same, checked now"),
        ("-i", "/readyz?verbose", "whether to send traffic"),
        (
            "-i",
            "/livez",
            "whether the process works; never touches Redis",
        ),
        (&as_operator, "/healthz", "as the operator sees it"),
        (&as_operator, "/history", "how it went"),
    ] {
        println!("    curl {user} 'http://{address}{path}'  # {what}");
    }
    println!(
        "    kill -STOP {pid}; kill -CONT {pid}          # let Redis hang, and go on",
        pid = azure.redis.pid()
    );
    while !leave.load(Ordering::Relaxed) {
        if let Some(status) = server.try_wait()? {
            bail!("cache-health ended by itself ({status})");
        }
        std::thread::sleep(LOOK);
    }
    say("draining");
    // Ctrl-C reached it already; being told twice does no harm.
    let _ = Command::new("kill")
        .args(["-TERM", &server.id().to_string()])
        .status();
    server.wait()?;
    Ok(ExitCode::SUCCESS)
}

/// The program, with the environment that it would find in Container Apps.
fn program(azure: &LocalAzure, access_key: bool) -> Command {
    let mut command = Command::new(build::dist());
    // Nothing of the developer's own shell: what it has set for a real cache must not get in the
    // way here.
    command
        .env_clear()
        .env("REDIS_HOST", "localhost")
        .env("REDIS_PORT", azure.redis.port().to_string())
        .env("REDIS_CA_FILE", azure.redis.ca_file())
        .env("RUST_LOG", "warn");
    if access_key {
        command
            .env("REDIS_AUTH", "access-key")
            .env("REDIS_ACCESS_KEY", &azure.access_key);
    }
    if let Some(identity) = &azure.identity {
        command
            .env("IDENTITY_ENDPOINT", identity.url())
            .env("IDENTITY_HEADER", &identity.header);
    }
    command
}
