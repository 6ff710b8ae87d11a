//! `/probe?target=NAME`: a check now of a cache that is configured by name, for a Prometheus that is told which to probe.
//!
//! Only of a configured one: a name that anybody chooses would send this program's token to anybody's host. Each has a
//! provider of its own, kept from one probe to the next, and with it the bounds on what callers cause.

use crate::check;
use crate::doctor;
use crate::environment::Environment;
use crate::metrics;
use crate::provider::Provider;
use crate::replica::Replica;
use crate::serve::flight::Flights;
use crate::targets::{self, TargetError};
use crate::verdict::{self, Proof};
use cache_health_provider::{ConfigError, Variables};
use cache_health_report::{Document, Report, View};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// Where the caches are named.
const TARGETS_FILE: &str = "CACHE_HEALTH_TARGETS_FILE";
/// The most caches that are kept ready: each has an instance of the component and a connection.
const MOST: usize = 100;
/// What is kept of a scrape's time for the way back.
const WAY_BACK: Duration = Duration::from_millis(500);

/// The caches that can be probed.
#[derive(Default)]
pub struct Targets(BTreeMap<String, Target>);

struct Target {
    provider: Result<Arc<Provider>, ConfigError>,
    /// Made with the first probe: most instances of this program are asked for none.
    flights: OnceLock<Flights>,
}

/// What a probe found.
pub struct Probed {
    /// None where the scrape would not wait for it.
    pub report: Option<Report>,
    /// How long it took.
    pub took: Duration,
}

impl Targets {
    /// Those of the file that is configured.
    pub async fn load(environment: &Environment) -> Result<Self, ConfigError> {
        let Some(path) = environment.text(TARGETS_FILE) else {
            return Ok(Self::default());
        };
        let wrong = |problem: String| ConfigError::new(TARGETS_FILE, problem);
        let lines = targets::read_file(path.as_ref()).await;
        let lines = lines.map_err(|error| wrong(error.to_string()))?;
        if lines.len() > MOST {
            return Err(wrong(format!("names more than {MOST} caches")));
        }
        let mut all = BTreeMap::new();
        for line in lines {
            let line = line.map_err(|error: TargetError| wrong(error.to_string()))?;
            let target = Target {
                provider: targets::provider(&line, environment).await,
                flights: OnceLock::new(),
            };
            if all.insert(line.name, target).is_some() {
                return Err(wrong("has two lines with one name".to_owned()));
            }
        }
        Ok(Self(all))
    }

    /// Checks the cache of this name, for a scrape that waits so long; none where it is not configured.
    pub async fn probe(&self, name: &str, wait: Option<Duration>) -> Option<Probed> {
        let target = self.0.get(name)?;
        let started = Instant::now();
        let report = match wait {
            None => Some(target.check().await),
            // The check goes on by itself, for the next one to join.
            Some(wait) => {
                let wait = wait.saturating_sub(WAY_BACK);
                tokio::time::timeout(wait, target.check()).await.ok()
            }
        };
        Some(Probed {
            report,
            took: started.elapsed(),
        })
    }
}

impl Target {
    async fn check(&self) -> Report {
        let provider = match &self.provider {
            Ok(provider) => provider,
            Err(error) => return verdict::failure(&error.into()),
        };
        let flights = match self.flights.get() {
            Some(flights) => flights,
            None => match check::health(provider) {
                Ok(health) => self
                    .flights
                    .get_or_init(|| Flights::of(health, &provider.cache)),
                Err(_) => return verdict::internal("the component cannot be loaded"),
            },
        };
        flights.check(Proof::Kept).await.report.clone()
    }
}

impl Probed {
    /// In numbers, as a scrape asks for them: the media type and the text.
    pub fn scrape(&self, accept: &str) -> (&'static str, String) {
        metrics::probed(self.report.as_ref(), self.took, accept)
    }

    /// What the doctor says, for the operator.
    pub fn doctor(&self, replica: &Replica, version: &str) -> String {
        let Some(report) = self.report.clone() else {
            return "the scrape would not wait for the check\n".to_owned();
        };
        doctor::text(&Document::of(report, View::Details), replica, version)
    }
}

/// How long a scrape waits, as Prometheus says it.
pub fn scrape_timeout(header: Option<&str>) -> Option<Duration> {
    let seconds: f64 = header?.parse().ok()?;
    (0.0..=300.0)
        .contains(&seconds)
        .then(|| Duration::from_secs_f64(seconds))
}

/// A name as it stands in a query.
pub fn named(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    let decoded = percent_encoding::percent_decode_str(&spaced)
        .decode_utf8()
        .ok()?;
    Some(decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scrape_says_how_long_it_waits() {
        assert_eq!(
            scrape_timeout(Some("2.5")),
            Some(Duration::from_millis(2500))
        );
        for text in ["", "-1", "NaN", "1e9", "x"] {
            assert_eq!(scrape_timeout(Some(text)), None, "{text}");
        }
        assert_eq!(named("a%20b+c").as_deref(), Some("a b c"));
        assert_eq!(named("%ff"), None);
    }
}
