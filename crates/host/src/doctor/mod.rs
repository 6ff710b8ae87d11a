//! `cache-health doctor`: walks everything that an app needs to use its cache, and ends with one diagnosis and one cure.
//!
//! It works in an image with nothing else in it and without a terminal, as `az containerapp exec --command` runs it.

mod beside;
mod category;
mod diagnosis;
mod latency;
mod render;
mod spinner;
mod walk;

pub use category::Category;

use crate::check::{self, MISCONFIGURED, write};
use crate::cli::{DoctorArgs, FailOn};
use crate::component::Health;
use crate::provider::Provider;
use crate::replica::Replica;
use crate::telemetry::{self, Tried};
use crate::terminal::Style;
use crate::verdict::{self, Proof};
use cache_health_provider::{ConfigError, Variables};
use cache_health_report::{Document, Kind, Report, Status, View};
use clap::ValueEnum;
use diagnosis::{Diagnosis, Observed};
use spinner::Spinner;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tracing::error;

/// Between two walks while somebody waits for a good one.
const PAUSE: Duration = Duration::from_secs(2);

/// How to print a diagnosis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DoctorFormat {
    /// Every category, for people.
    Text,
    /// Only what is not well, to paste into a chat.
    Short,
    /// One JSON document.
    Json,
}

/// Walks, once or for as long as is asked for. `version`: of the program, with its revision.
pub async fn run(variables: &dyn Variables, args: &DoctorArgs, version: &str) -> ExitCode {
    if args.list {
        write(&render::list());
        return ExitCode::SUCCESS;
    }
    let doctor = Doctor {
        args,
        variables,
        version,
        replica: Replica::of(variables),
        style: Style::of_standard_output(),
    };
    let provider = match Provider::from_variables(variables).await {
        Ok(provider) => provider,
        Err(error) => return doctor.misconfigured(&error),
    };
    let health = match check::health(&provider) {
        Ok(health) => health,
        Err(error) => {
            error!(%error, "no verdict");
            return ExitCode::FAILURE;
        }
    };
    doctor.walk(&provider, &health).await
}

/// What the doctor says of one document, in ASCII.
pub fn text(document: &Document, replica: &Replica, version: &str) -> String {
    let observed = Observed {
        document,
        serve: None,
        latency: None,
        telemetry: &[],
        replica,
        version,
    };
    let diagnosis = Diagnosis::of(observed, &[]);
    render::render(&diagnosis, DoctorFormat::Text, Style::PLAIN)
}

/// What every walk of a run has.
struct Doctor<'a> {
    args: &'a DoctorArgs,
    variables: &'a dyn Variables,
    version: &'a str,
    replica: Replica,
    style: Style,
}

impl Doctor<'_> {
    /// Nothing could be tried: the configuration is the diagnosis.
    fn misconfigured(&self, error: &ConfigError) -> ExitCode {
        let report = verdict::failure(&error.into());
        let diagnosis = self.diagnose(report, None, None, &[]);
        write(&render::render(&diagnosis, self.args.format, self.style));
        MISCONFIGURED.into()
    }

    async fn walk(&self, provider: &Arc<Provider>, health: &Health) -> ExitCode {
        let until = self.args.wait.map(|wait| Instant::now() + wait);
        let mut spinner = Spinner::start(self.style);
        // The first connection of a process is a new one anyway.
        let mut proof = Proof::Kept;
        loop {
            let started = Instant::now();
            let report = verdict::fresh(health, proof).await;
            proof = Proof::NewConnection;
            let failing = report.status == Status::Fail;
            let is_config = report
                .failure
                .as_ref()
                .is_some_and(|f| f.kind == Kind::Config);
            let again = until.filter(|until| started + PAUSE < *until);
            if self.is_bad(report.status) && again.is_some() {
                spinner.say(&report.output);
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            let latency = match self.args.latency {
                Some(duration) if !failing => latency::measure(provider, duration).await,
                _ => None,
            };
            let serve = beside::ask(&provider.config).await;
            let telemetry = telemetry::try_out(self.variables).await;
            let diagnosis = self.diagnose(report, Some(serve), latency, &telemetry);
            spinner.clear();
            write(&render::render(&diagnosis, self.args.format, self.style));
            match self.args.every {
                Some(every) => tokio::time::sleep_until(started + every).await,
                None if is_config => return MISCONFIGURED.into(),
                None => return u8::from(self.is_bad(diagnosis.status)).into(),
            }
        }
    }

    /// Whether a status is one to fail on.
    fn is_bad(&self, status: Status) -> bool {
        match self.args.fail_on {
            FailOn::Fail => status == Status::Fail,
            FailOn::Warn => status != Status::Pass,
        }
    }

    fn diagnose(
        &self,
        report: Report,
        serve: Option<beside::Beside>,
        latency: Option<latency::Latency>,
        telemetry: &[Tried],
    ) -> Diagnosis {
        let document = Document::of(report, View::Details);
        let observed = Observed {
            document: &document,
            serve,
            latency,
            telemetry,
            replica: &self.replica,
            version: self.version,
        };
        Diagnosis::of(observed, &self.args.checks)
    }
}
