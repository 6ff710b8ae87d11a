//! The command line. There is no flag for a key or for `IDENTITY_HEADER`: arguments are visible to
//! every process of the machine.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Proves that an app can use its Azure Redis cache, and says which step is broken when it cannot.
#[derive(Parser)]
#[command(name = "cache-health", version, about)]
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
    /// Serve /livez, /readyz and /healthz. SIGTERM and Ctrl-C drain; exit code 2: configuration,
    /// usage, or a port that is taken.
    Serve(ServeArgs),
}

/// The arguments of `check`.
#[derive(Args)]
pub struct CheckArgs {
    /// How to print the verdict.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    #[command(flatten)]
    overrides: Overrides,
}

/// The arguments of `serve`.
#[derive(Args)]
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
    #[command(flatten)]
    overrides: Overrides,
}

/// How to print a verdict.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table for people.
    Text,
    /// One JSON document (application/health+json).
    Json,
}

/// Flags that win over variables.
#[derive(Args)]
struct Overrides {
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
    connection_string_from: Option<String>,
}

/// The variables that flags set.
pub type Flags = Vec<(&'static str, String)>;

impl CheckArgs {
    /// The variables that flags set.
    pub fn flags(&self) -> Flags {
        self.overrides.flags()
    }
}

impl CheckArgs {
    /// The variable with the connection string, where one is named.
    pub fn connection_string_from(&self) -> Option<String> {
        self.overrides.connection_string_from.clone()
    }
}

impl ServeArgs {
    /// The variable with the connection string, where one is named.
    pub fn connection_string_from(&self) -> Option<String> {
        self.overrides.connection_string_from.clone()
    }

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
    fn flags(&self) -> Flags {
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
