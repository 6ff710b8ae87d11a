//! `cache-health`: logs, then the command.

use cache_health_host::cli::{Cli, Command};
use cache_health_host::environment::Environment;
use cache_health_host::{check, logging, serve};
use clap::Parser as _;
use std::process::ExitCode;

// One thread: a check is a dozen hops between tasks, and hops between threads cost more than a second
// thread earns (measured: `cargo xtask bench`). Guests yield to it every few milliseconds.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    logging::start();
    match cli.command {
        Command::Check(args) => {
            let environment = Environment::with_flags(args.flags());
            check::run(&environment, args.format).await
        }
        Command::Serve(args) => {
            let environment = Environment::with_flags(args.flags());
            serve::run(&environment, args.component.as_deref()).await
        }
    }
}
