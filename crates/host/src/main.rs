//! `cache-health`: the log, memory that nobody else reads, then the command.

#[cfg(feature = "manual")]
mod manual;

use cache_health_host::cli::{Cli, Command, Flags, Format, Overrides};
use cache_health_host::environment::Environment;
use cache_health_host::{
    ConfigError, check, doctor, epochs, hardening, logging, memory, serve, targets,
};
use clap::{CommandFactory as _, FromArgMatches as _};
use std::process::ExitCode;
use tokio::runtime::Builder;

/// The version, with the revision that it was built from where the build says it.
const VERSION: &str = match option_env!("CACHE_HEALTH_VERSION") {
    Some(version) => version,
    None => env!("CARGO_PKG_VERSION"),
};

// musl's allocator asks the kernel too often: docs/decisions/0010.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

// One thread: a check is a dozen hops between tasks, and hops between threads cost more than a second
// thread earns (measured: `cargo xtask bench`). Guests yield to it every few milliseconds.
fn main() -> ExitCode {
    abort_on_panic();
    let cli = Cli::from_arg_matches(&command_line().get_matches()).unwrap_or_else(|e| e.exit());
    // Written out when it is dropped, after everything else.
    let _log = logging::start();
    hardening::keep_memory_private();
    memory::use_small_pages();
    let runtime = Builder::new_current_thread()
        .enable_all()
        .on_thread_park(epochs::thread_waits)
        .on_thread_unpark(epochs::thread_works)
        .build();
    let runtime = match runtime {
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

/// The command line, with the version of this program.
fn command_line() -> clap::Command {
    Cli::command().version(VERSION)
}

async fn run(command: Command) -> ExitCode {
    match command {
        Command::Check(args) => match environment(args.overrides.flags(), &args.overrides).await {
            Ok(environment) => match &args.targets {
                Some(file) => targets::run(&environment, file, args.concurrency, args.format).await,
                None => check::run(&environment, &args).await,
            },
            Err(error) => check::misconfigured(&error, args.format),
        },
        Command::Doctor(args) => match environment(args.overrides.flags(), &args.overrides).await {
            Ok(environment) => doctor::run(&environment, &args, VERSION).await,
            Err(error) => check::misconfigured(&error, Format::Text),
        },
        Command::Serve(args) => match environment(args.flags(), &args.overrides).await {
            Ok(environment) => serve::run(&environment, args.component.as_deref(), VERSION).await,
            Err(error) => check::misconfigured(&error, Format::Text),
        },
        #[cfg(feature = "manual")]
        Command::Completions { shell } => manual::completions(shell, command_line()),
        #[cfg(feature = "manual")]
        Command::Man { command } => manual::page(command_line(), command.as_deref()),
    }
}

async fn environment(flags: Flags, overrides: &Overrides) -> Result<Environment, ConfigError> {
    Environment::with_flags(flags, overrides.connection_string_from.clone()).await
}
