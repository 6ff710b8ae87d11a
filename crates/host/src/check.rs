//! `cache-health check`: one verdict, printed, as an exit code.

use crate::cli::Format;
use crate::component::{self, Runtime};
use crate::provider::Provider;
use crate::text;
use cache_health_provider::{Config, ConfigError, Variables};
use cache_health_report::{Document, Finding, Kind, Status};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::SystemTime;
use tracing::error;

/// Exit codes (contract).
const PASSED: u8 = 0;
const FAILED: u8 = 1;
const MISCONFIGURED: u8 = 2;

/// Checks once.
pub async fn run(variables: &dyn Variables, format: Format) -> ExitCode {
    let configured = Config::from_variables(variables).and_then(Provider::new);
    let provider = match configured {
        Ok(provider) => provider,
        Err(error) => return misconfigured(&error, format),
    };
    let document = check(provider).await;
    print(&document, format);
    match document.status {
        Status::Pass | Status::Warn => PASSED.into(),
        Status::Fail => FAILED.into(),
    }
}

async fn check(provider: Arc<Provider>) -> Document {
    let answer = async {
        let runtime = Runtime::precompiled(component::EMBEDDED, provider)?;
        runtime.get("/healthz?fresh=1").await
    };
    match answer.await {
        Ok(answer) => serde_json::from_slice(answer.body()).unwrap_or_else(|error| {
            error!(%error, "the component's answer is not a report");
            internal("the component's answer is not a report")
        }),
        Err(error) => {
            error!(%error, "no verdict");
            internal("the component gave no answer")
        }
    }
}

/// One clear sentence on standard error; with `json`, a document on standard output as well.
fn misconfigured(error: &ConfigError, format: Format) -> ExitCode {
    eprintln!("cache-health: {error}");
    if format == Format::Json {
        let finding = Finding {
            kind: Kind::Config,
            step: None,
            output: error.to_string(),
            remedy: format!(
                "Correct {}; the README has a table of variables.",
                error.variable
            ),
            code: None,
        };
        print(&Document::failure(SystemTime::now(), finding), format);
    }
    MISCONFIGURED.into()
}

fn internal(output: &str) -> Document {
    let finding = Finding {
        kind: Kind::Internal,
        step: None,
        output: output.to_owned(),
        remedy: "A fault of cache-health itself: please report it with the log.".to_owned(),
        code: None,
    };
    Document::failure(SystemTime::now(), finding)
}

fn print(document: &Document, format: Format) {
    let text = match format {
        Format::Text => text::render(document),
        Format::Json => serde_json::to_string(document).unwrap_or_default() + "\n",
    };
    // Nobody is left to tell when standard output is gone; the exit code still says it.
    let _ = std::io::Write::write_all(&mut std::io::stdout().lock(), text.as_bytes());
}
