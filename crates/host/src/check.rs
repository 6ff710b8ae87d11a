//! `cache-health check`: one verdict, printed, as an exit code.

use crate::cli::Format;
use crate::component::Embedded;
use crate::provider::Provider;
use crate::verdict::Proof;
use crate::{logging, text, verdict};
use cache_health_provider::rate::Caller;
use cache_health_provider::{ConfigError, Variables};
use cache_health_report::{Document, Kind, Status, View};
use std::process::ExitCode;
use tracing::error;

/// Exit codes (contract).
const PASSED: u8 = 0;
const FAILED: u8 = 1;
/// The exit code for a configuration or usage error, of every command.
pub const MISCONFIGURED: u8 = 2;

/// Checks once.
pub async fn run(variables: &dyn Variables, format: Format) -> ExitCode {
    let provider = match Provider::from_variables(variables).await {
        Ok(provider) => provider,
        Err(error) => return misconfigured(&error, format),
    };
    let report = match Embedded::load(provider) {
        Ok(embedded) => verdict::fresh(&embedded.health(Caller::Request), Proof::Kept).await,
        Err(error) => {
            error!(%error, "no verdict");
            verdict::internal("the component cannot be loaded")
        }
    };
    let document = Document::of(report, View::Details);
    print(&document, format);
    let failure = document.failure.as_ref();
    if format == Format::Json {
        // For alerts on the executions of a job, in the form that `serve` has it.
        verdict::log(&document);
    }
    if let (Format::Json, Some(failure)) = (format, failure.filter(|f| f.kind == Kind::Config)) {
        logging::say(&failure.output);
    }
    match document.status {
        Status::Pass | Status::Warn => PASSED.into(),
        // A file that is configured, for example, which shows only when it is needed.
        Status::Fail if document.failure_kind() == Some(Kind::Config) => MISCONFIGURED.into(),
        Status::Fail => FAILED.into(),
    }
}

/// One clear sentence on standard error; with `json`, a document on standard output as well.
pub fn misconfigured(error: &ConfigError, format: Format) -> ExitCode {
    logging::say(&error.to_string());
    if format == Format::Json {
        let report = verdict::failure(&error.into());
        print(&Document::of(report, View::Details), format);
    }
    MISCONFIGURED.into()
}

fn print(document: &Document, format: Format) {
    let text = match format {
        Format::Text => text::render(document),
        Format::Json => serde_json::to_string(document).unwrap_or_default() + "\n",
    };
    // Nobody is left to tell when standard output is gone; the exit code still says it.
    let _ = std::io::Write::write_all(&mut std::io::stdout().lock(), text.as_bytes());
}
