//! `cache-health`: logs, then the command.

use cache_health_host::cli::{Cli, Command};
use cache_health_host::environment::Environment;
use cache_health_host::{check, logging, serve};
use clap::Parser as _;
use std::process::ExitCode;
use tokio::runtime::Builder;

// musl's allocator asks the kernel too often: docs/decisions/0010.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

// One thread: a check is a dozen hops between tasks, and hops between threads cost more than a second
// thread earns (measured: `cargo xtask bench`). Guests yield to it every few milliseconds.
fn main() -> ExitCode {
    let cli = Cli::parse();
    logging::start();
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("cache-health: cannot start: {}", error.kind());
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(run(cli.command));
    // A name server that does not answer keeps a thread, and must not keep the process.
    runtime.shutdown_background();
    code
}

async fn run(command: Command) -> ExitCode {
    match command {
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
