//! The arguments of `doctor`.

use super::Overrides;
use crate::doctor::{Category, DoctorFormat};
use clap::{Args, ValueEnum};
use std::time::Duration;

/// The arguments of `doctor`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct DoctorArgs {
    /// What to look at; everything when none is named. The walk is always whole, since each part needs those before it.
    #[arg(value_enum, value_name = "CHECK")]
    pub checks: Vec<Category>,
    /// Print what there is to look at, and look at nothing.
    #[arg(long)]
    pub list: bool,
    /// How to print the diagnosis.
    #[arg(long, value_enum, default_value_t = DoctorFormat::Text)]
    pub format: DoctorFormat,
    /// Walk again until all is well, for at most this long, such as 5m.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub wait: Option<Duration>,
    /// Walk again and again, this far apart, such as 30s.
    #[arg(long, value_name = "DURATION", value_parser = every, conflicts_with = "wait")]
    pub every: Option<Duration>,
    /// Measure round trips and this container's own stalls side by side, for this long, such as 10s.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub latency: Option<Duration>,
    /// From which status on the exit code is 1.
    #[arg(long, value_enum, default_value_t = FailOn::Fail)]
    pub fail_on: FailOn,
    /// What every command takes.
    #[command(flatten)]
    pub overrides: Overrides,
}

/// From which status on the exit code is 1.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Where the cache can be used, and something needs attention.
    Warn,
    /// Where the cache cannot be used.
    Fail,
}

const EXAMPLES: &str = "\
Examples:
  cache-health doctor                                    everything, for people
  cache-health doctor tls identity --format short        two parts, only what is not well
  cache-health doctor --wait 5m --fail-on warn           until all is well
  cache-health doctor --latency 10s                      is it the cache, or this container?
  az containerapp exec -n APP -g RG --container cache-health --command \"/cache-health doctor\"

Exit code 0: well, 1: not, 2: configuration or usage.";

/// A pause of none would be a flood.
fn every(text: &str) -> Result<Duration, String> {
    let every = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    let least = Duration::from_secs(1);
    (every >= least)
        .then_some(every)
        .ok_or_else(|| "must be at least 1s".to_owned())
}
