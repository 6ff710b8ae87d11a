//! The command line. There is no flag for a key or for `IDENTITY_HEADER`: arguments are visible to
//! every process of the machine.

use clap::{Args, Parser, Subcommand, ValueEnum};

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
}

impl CheckArgs {
    /// The variables that flags set.
    pub fn overrides(&self) -> Vec<(&'static str, String)> {
        let Overrides {
            host,
            port,
            timeout,
        } = &self.overrides;
        [
            ("REDIS_HOST", host),
            ("REDIS_PORT", port),
            ("CACHE_HEALTH_TIMEOUT", timeout),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.clone()?)))
        .collect()
    }
}
