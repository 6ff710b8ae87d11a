//! The command line. There is no flag for a key or for `IDENTITY_HEADER`: arguments are visible to
//! every process of the machine.

mod check;
mod doctor;

pub use check::{CheckArgs, Format};
pub use doctor::{DoctorArgs, FailOn};

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Proves that an app can use its Azure Redis cache, and says which step is broken when it cannot.
#[derive(Parser)]
#[command(name = "cache-health", about, after_help = EXAMPLES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Check once and print the verdict. Exit code 0: pass or warn, 1: fail, 2: configuration or
    /// usage.
    Check(CheckArgs),
    /// Walk everything that an app needs to use its cache, and end with one diagnosis and one cure.
    Doctor(DoctorArgs),
    /// Serve /livez, /readyz and /healthz. SIGTERM and Ctrl-C drain; exit code 2: configuration,
    /// usage, or a port that is taken.
    Serve(ServeArgs),
    /// Print the completions for a shell.
    #[cfg(feature = "manual")]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page (roff), or that of a command.
    #[cfg(feature = "manual")]
    Man {
        /// The command.
        command: Option<String>,
    },
}

const EXAMPLES: &str = "\
Examples:
  cache-health check                      can this app use its cache, and what to do when not
  cache-health doctor                     the same, part by part, to paste into a ticket
  cache-health serve                      what Container Apps and Kubernetes probe
  cache-health check --host shop.redis.cache.windows.net   on a laptop, after az login

Variables: REDIS_HOST, REDIS_PORT, REDIS_AUTH and others, docs/reference/configuration.md.";

/// The arguments of `serve`.
#[derive(Args)]
#[command(after_help = SERVE_EXAMPLES)]
pub struct ServeArgs {
    /// Address and port to listen on (CACHE_HEALTH_LISTEN).
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// How often to check, such as 10s (CACHE_HEALTH_INTERVAL).
    #[arg(long, value_name = "DURATION")]
    interval: Option<String>,
    /// A component that exports wasi:http/handler@0.3.0; it answers every other path. It may import
    /// our capabilities, or only `cache-health:probe/health`.
    #[arg(long, value_name = "FILE")]
    pub component: Option<PathBuf>,
    /// What every command takes.
    #[command(flatten)]
    pub overrides: Overrides,
}

const SERVE_EXAMPLES: &str = "\
Examples:
  cache-health serve                              on 0.0.0.0:8080, a check every 10 s
  cache-health serve --listen 0.0.0.0:18080       as a sidecar, where 8080 is the app's
  cache-health serve --component app.wasm         before an app that imports cache-health:probe/health";

/// Flags that win over variables.
#[derive(Args)]
pub struct Overrides {
    /// Host name of the cache (REDIS_HOST).
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
    /// TLS port of the cache (REDIS_PORT).
    #[arg(long, value_name = "PORT")]
    port: Option<String>,
    /// Deadline of a check, such as 5s (CACHE_HEALTH_TIMEOUT).
    #[arg(long, value_name = "DURATION")]
    timeout: Option<String>,
    /// The variable with the connection string, such as ConnectionStrings__cache of .NET Aspire. Nothing else then says where
    /// the cache is.
    #[arg(long, value_name = "VARIABLE", conflicts_with_all = ["host", "port"])]
    pub connection_string_from: Option<String>,
}

/// The variables that flags set.
pub type Flags = Vec<(&'static str, String)>;

impl ServeArgs {
    /// The variables that flags set.
    pub fn flags(&self) -> Flags {
        let mut flags = self.overrides.flags();
        flags.extend(set([
            ("CACHE_HEALTH_LISTEN", &self.listen),
            ("CACHE_HEALTH_INTERVAL", &self.interval),
        ]));
        flags
    }
}

impl Overrides {
    /// The variables that flags set.
    pub fn flags(&self) -> Flags {
        set([
            ("REDIS_HOST", &self.host),
            ("REDIS_PORT", &self.port),
            ("CACHE_HEALTH_TIMEOUT", &self.timeout),
        ])
    }
}

fn set<const N: usize>(flags: [(&'static str, &Option<String>); N]) -> Flags {
    let given = |(name, value): (_, &Option<String>)| Some((name, value.clone()?));
    flags.into_iter().filter_map(given).collect()
}
