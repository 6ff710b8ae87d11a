//! `cache-health`: the log, memory that nobody else reads, then the command.

use cache_health_host::cli::{Cli, Command, Format};
use cache_health_host::environment::Environment;
use cache_health_host::{check, hardening, logging, serve};
use clap::Parser as _;
use std::process::ExitCode;
use tokio::runtime::Builder;

// musl's allocator asks the kernel too often: docs/decisions/0010.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

// One thread: a check is a dozen hops between tasks, and hops between threads cost more than a second
// thread earns (measured: `cargo xtask bench`). Guests yield to it every few milliseconds.
fn main() -> ExitCode {
    abort_on_panic();
    let cli = Cli::parse();
    // Written out when it is dropped, after everything else.
    let _log = logging::start();
    hardening::keep_memory_private();
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            logging::say(&format!("cannot start: {}", error.kind()));
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(run(cli.command));
    // A name server that does not answer keeps a thread, and must not keep the process.
    runtime.shutdown_background();
    code
}

/// Whoever panics ends the process, and the platform starts it again: better than one task that is gone while /livez says
/// that all is well.
fn abort_on_panic() {
    let say = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        say(panic);
        std::process::abort();
    }));
}

async fn run(command: Command) -> ExitCode {
    match command {
        Command::Check(args) => {
            let from = args.connection_string_from();
            match Environment::with_flags(args.flags(), from).await {
                Ok(environment) => check::run(&environment, args.format).await,
                Err(error) => check::misconfigured(&error, args.format),
            }
        }
        Command::Serve(args) => {
            let from = args.connection_string_from();
            match Environment::with_flags(args.flags(), from).await {
                Ok(environment) => serve::run(&environment, args.component.as_deref()).await,
                Err(error) => check::misconfigured(&error, Format::Text),
            }
        }
    }
}
