//! `cache-health check`: one verdict, printed, as an exit code.

use crate::cli::{CheckArgs, Format};
use crate::component::{Embedded, Health, HealthError};
use crate::provider::Provider;
use crate::shutdown;
use crate::terminal::Style;
use crate::verdict::Proof;
use crate::{logging, text, verdict};
use cache_health_provider::rate::Caller;
use cache_health_provider::{ConfigError, Variables};
use cache_health_report::{Document, Kind, Report, Status, View};
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::time::Instant;
use tracing::error;

/// Exit codes (contract).
const PASSED: u8 = 0;
const FAILED: u8 = 1;
/// The exit code for a configuration or usage error, of every command.
pub const MISCONFIGURED: u8 = 2;

/// Checks once, or until a signal.
pub async fn run(variables: &dyn Variables, args: &CheckArgs) -> ExitCode {
    let provider = match Provider::from_variables(variables).await {
        Ok(provider) => provider,
        Err(error) => return misconfigured(&error, args.format),
    };
    let health = health(&provider);
    if args.watch {
        return watch(&provider, health, args.format).await.into();
    }
    let document = Document::of(once(&health).await, View::Details);
    print(&document, args.format);
    if args.format == Format::Json {
        // For alerts on the executions of a job, in the form that `serve` has it.
        verdict::log(&document);
        let failure = document.failure.as_ref();
        if let Some(failure) = failure.filter(|failure| failure.kind == Kind::Config) {
            logging::say(&failure.output);
        }
    }
    exit_code(&document).into()
}

/// An instance of the component that checks.
pub fn health(provider: &Arc<Provider>) -> Result<Health, HealthError> {
    let embedded = Embedded::load(Arc::clone(provider))?;
    Ok(embedded.health(Caller::Request))
}

/// One verdict.
pub async fn once(health: &Result<Health, HealthError>) -> Report {
    match health {
        Ok(health) => verdict::fresh(health, Proof::Kept).await,
        Err(error) => {
            error!(%error, "no verdict");
            verdict::internal("the component cannot be loaded")
        }
    }
}

/// A line per check, an interval apart, until a signal.
async fn watch(provider: &Provider, health: Result<Health, HealthError>, format: Format) -> u8 {
    let style = Style::of_standard_output();
    let mut shutdown = pin!(shutdown::signal());
    loop {
        let started = Instant::now();
        let document = Document::of(once(&health).await, View::Details);
        match format {
            Format::Text => write(&(text::line(&document, style) + "\n")),
            Format::Json => print(&document, format),
        }
        tokio::select! {
            () = tokio::time::sleep_until(started + provider.config.interval) => {}
            () = &mut shutdown => return exit_code(&document),
        }
    }
}

/// What a verdict is as an exit code.
pub fn exit_code(document: &Document) -> u8 {
    match document.status {
        Status::Pass | Status::Warn => PASSED,
        // A file that is configured, for example, which shows only when it is needed.
        Status::Fail if document.failure_kind() == Some(Kind::Config) => MISCONFIGURED,
        Status::Fail => FAILED,
    }
}

/// One clear sentence on standard error; with `json`, a document on standard output as well.
pub fn misconfigured(error: &ConfigError, format: Format) -> ExitCode {
    logging::say(&error.to_string());
    if format == Format::Json {
        let report = verdict::failure(&error.into());
        let document = Document::of(report, View::Details);
        print(&document, format);
        verdict::log(&document);
    }
    MISCONFIGURED.into()
}

fn print(document: &Document, format: Format) {
    write(&match format {
        Format::Text => text::render(document, Style::of_standard_output()),
        Format::Json => serde_json::to_string(document).unwrap_or_default() + "\n",
    });
}

/// Writes to standard output.
pub fn write(text: &str) {
    // Nobody is left to tell when standard output is gone; the exit code still says it.
    let _ = std::io::Write::write_all(&mut std::io::stdout().lock(), text.as_bytes());
}
