//! The arguments of `check`.

use super::Overrides;
use clap::{Args, ValueEnum};
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// The arguments of `check`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct CheckArgs {
    /// How to print the verdict.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Check again and again, CACHE_HEALTH_INTERVAL apart, a line each, until a signal; the exit code is the last verdict's.
    #[arg(long)]
    pub watch: bool,
    /// Check every cache that a file names, one JSON object a line (- for standard input); the exit code is the worst.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["watch", "host", "port", "connection_string_from"])]
    pub targets: Option<PathBuf>,
    /// How many caches of --targets are checked at once.
    #[arg(
        long,
        value_name = "NUMBER",
        default_value = "16",
        requires = "targets"
    )]
    pub concurrency: NonZeroUsize,
    /// What every command takes.
    #[command(flatten)]
    pub overrides: Overrides,
}

/// How to print a verdict.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table for people.
    Text,
    /// One JSON document (application/health+json).
    Json,
}

const EXAMPLES: &str = "\
Examples:
  cache-health check                                     once, for people
  cache-health check --format json --timeout 15s         once, for a scheduled job
  cache-health check --watch                             a line every 10 s
  cache-health check --targets caches.jsonl              an inventory: {\"name\": \"shop\", \"REDIS_HOST\": \"...\"}";
