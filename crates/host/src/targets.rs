//! `cache-health check --targets`: every cache of an inventory, a line each.
//!
//! A target says by itself where its cache is and which keys go there: of those, nothing comes from the environment, or one
//! cache's key would be sent to another's host. What is the prober's own (its identity, its time limit, its CA) comes from the
//! environment where the line does not say it.

use crate::check::{self, MISCONFIGURED};
use crate::cli::Format;
use crate::environment::{CONNECTION_STRING, Environment, connection_string_in_a_file};
use crate::files::{FileError, Files, MAX_FILE};
use crate::provider::Provider;
use crate::terminal::Style;
use crate::{logging, text, verdict};
use cache_health_provider::config::{NAMES, NotText, is_secret, says_where};
use cache_health_provider::{ConfigError, ExposeSecret as _, SecretString, Variables};
use cache_health_report::{Document, View};
use futures::stream::{self, StreamExt as _};
use serde::Serialize;
use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use thiserror::Error;

/// What a target is called on the command line, in errors.
const FLAG: &str = "--targets";
/// The member of a line that is no variable.
const NAME: &str = "name";
/// Standard input as a file.
const STANDARD_INPUT: &str = "/dev/stdin";

/// Why a line is no target. Never its values: one of them may be a secret in the wrong place.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TargetError {
    /// It cannot be read.
    #[error("line {0} is no JSON object of strings")]
    Form(usize),
    /// A member is misspelt.
    #[error("line {0} has a member that is no variable: {1}")]
    Unknown(usize, String),
    /// Inventories are committed; secrets must not be.
    #[error("line {0} holds a secret, {1}: name a file instead")]
    Secret(usize, String),
}

/// A cache of the inventory, as its line says it.
#[derive(Clone, Debug)]
pub struct Line {
    /// What it is called.
    pub name: String,
    variables: HashMap<String, String>,
}

/// A line over the environment.
struct Target<'a> {
    line: &'a Line,
    environment: &'a Environment,
    /// What `REDIS_CONNECTION_STRING_FILE` of the line holds.
    connection_string: Option<SecretString>,
}

impl Variables for Target<'_> {
    fn get(&self, name: &str) -> Result<Option<String>, NotText> {
        match self.line.variables.get(name) {
            Some(value) => Ok(Some(value.clone())),
            None if name == CONNECTION_STRING => {
                let held = self.connection_string.as_ref();
                Ok(held.map(|text| text.expose_secret().to_owned()))
            }
            None if says_where(name) => Ok(None),
            None => self.environment.get(name),
        }
    }

    fn has_program(&self, name: &str) -> bool {
        self.environment.has_program(name)
    }

    fn has_imds(&self) -> bool {
        self.environment.has_imds()
    }
}

/// A verdict with whose it is.
#[derive(Serialize)]
struct Named<'a> {
    name: &'a str,
    #[serde(flatten)]
    document: &'a Document,
}

/// Checks all of them, so many at once. The exit code is the worst.
pub async fn run(
    environment: &Environment,
    file: &Path,
    at_once: NonZeroUsize,
    format: Format,
) -> ExitCode {
    let lines = match read_file(file).await {
        Ok(lines) => lines,
        Err(error) => {
            logging::say(&format!("{FLAG} {error}"));
            return MISCONFIGURED.into();
        }
    };
    let checks = stream::iter(lines).map(|line| check(line, environment));
    let mut checks = checks.buffer_unordered(at_once.get());
    let (mut worst, mut any, style) = (0, false, Style::of_standard_output());
    while let Some((name, document)) = checks.next().await {
        any = true;
        worst = worst.max(check::exit_code(&document));
        check::write(&match format {
            Format::Text => {
                let name = style.text(&name).into_owned();
                format!("{name:<24} {}\n", text::line(&document, style))
            }
            Format::Json => {
                let line = Named {
                    name: &name,
                    document: &document,
                };
                serde_json::to_string(&line).unwrap_or_default() + "\n"
            }
        });
    }
    if !any {
        logging::say(&format!("{FLAG} names no cache"));
        return MISCONFIGURED.into();
    }
    worst.into()
}

/// The lines of an inventory.
pub async fn read_file(file: &Path) -> Result<Vec<Result<Line, TargetError>>, FileError> {
    let file = match file == Path::new("-") {
        true => Path::new(STANDARD_INPUT),
        false => file,
    };
    let text = Files::default().text(file, MAX_FILE).await?;
    let lines = text.expose_secret().lines().enumerate();
    let lines = lines.filter(|(_, line)| !line.trim().is_empty());
    Ok(lines.map(|(at, line)| read(at + 1, line)).collect())
}

/// What a line configures, over the environment.
pub async fn provider(
    line: &Line,
    environment: &Environment,
) -> Result<Arc<Provider>, ConfigError> {
    let mut target = Target {
        line,
        environment,
        connection_string: None,
    };
    target.connection_string = connection_string_in_a_file(&target).await?;
    Provider::from_variables(&target).await
}

/// One target, with bounds of its own. A line that cannot be read is a verdict as well, and stops no other.
async fn check(line: Result<Line, TargetError>, environment: &Environment) -> (String, Document) {
    let line = match line {
        Ok(line) => line,
        Err(error) => {
            let name = format!("line {}", error.line());
            let error = ConfigError::new(FLAG, error.to_string());
            return (name, misconfigured(&error));
        }
    };
    let document = match provider(&line, environment).await {
        Err(error) => misconfigured(&error),
        Ok(provider) => {
            let report = check::once(&check::health(&provider)).await;
            Document::of(report, View::Details)
        }
    };
    (line.name, document)
}

impl TargetError {
    /// The number of the line.
    fn line(&self) -> usize {
        match self {
            Self::Form(line) | Self::Unknown(line, _) | Self::Secret(line, _) => *line,
        }
    }
}

fn misconfigured(error: &ConfigError) -> Document {
    Document::of(verdict::failure(&error.into()), View::Details)
}

fn read(number: usize, line: &str) -> Result<Line, TargetError> {
    let variables: Result<HashMap<String, String>, _> = serde_json::from_str(line);
    let mut variables = variables.map_err(|_| TargetError::Form(number))?;
    let name = variables.remove(NAME);
    for member in variables.keys() {
        let plain = || {
            let kept = member.chars().filter(char::is_ascii_graphic);
            kept.take(64).collect()
        };
        if is_secret(member) {
            return Err(TargetError::Secret(number, plain()));
        }
        if !NAMES.contains(&member.as_str()) {
            return Err(TargetError::Unknown(number, plain()));
        }
    }
    let name = name.or_else(|| variables.get("REDIS_HOST").cloned());
    Ok(Line {
        name: name.unwrap_or_else(|| format!("line {number}")),
        variables,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn environment() -> Environment {
        let flags = vec![
            ("REDIS_ACCESS_KEY", "of another cache".to_owned()),
            ("CACHE_HEALTH_TIMEOUT", "7s".to_owned()),
        ];
        Environment::with_flags(flags, None).await.expect("no file")
    }

    #[tokio::test]
    async fn a_target_takes_nothing_of_the_environment_that_says_where_the_cache_is() {
        let environment = environment().await;
        let line = read(1, r#"{"name":"shop","REDIS_HOST":"shop.example"}"#).expect("a target");
        assert_eq!(line.name, "shop");
        let target = Target {
            line: &line,
            environment: &environment,
            connection_string: None,
        };
        assert_eq!(
            target.get("REDIS_HOST"),
            Ok(Some("shop.example".to_owned()))
        );
        assert_eq!(target.get("REDIS_ACCESS_KEY"), Ok(None));
        assert_eq!(
            target.get("CACHE_HEALTH_TIMEOUT"),
            Ok(Some("7s".to_owned()))
        );
    }

    #[tokio::test]
    async fn a_line_may_name_a_file_for_every_secret_that_it_must_not_hold() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("string");
        std::fs::write(&file, "shop.example:10000,password=s3cret").expect("written");
        let file = file.display().to_string();
        let line = |member: &str| format!(r#"{{"{member}":"{file}"}}"#);
        let from_string = read(1, &line("REDIS_CONNECTION_STRING_FILE")).expect("a target");
        let provider = provider(&from_string, &environment().await).await;
        let provider = provider.expect("usable");
        assert_eq!(provider.config.endpoint.host, "shop.example");
        assert_eq!(provider.config.endpoint.port, 10000);
        for name in NAMES.into_iter().filter(|name| is_secret(name)) {
            let of_a_platform = ["IDENTITY_HEADER", "AZURE_REDIS_CONNECTIONSTRING"].contains(&name);
            let in_a_file = read(1, &line(&format!("{name}_FILE"))).is_ok();
            assert!(in_a_file || of_a_platform, "{name}");
        }
    }

    #[test]
    fn a_line_that_is_no_target_says_why_without_its_values() {
        let error = |line: &str| match read(3, line) {
            Ok(_) => panic!("{line} is taken"),
            Err(error) => error,
        };
        assert_eq!(error("s3cret"), TargetError::Form(3));
        assert_eq!(error(r#"{"REDIS_PORT":6380}"#), TargetError::Form(3));
        let unknown = error(r#"{"REDIS_HOTS":"s3cret"}"#);
        assert_eq!(unknown, TargetError::Unknown(3, "REDIS_HOTS".to_owned()));
        let secret = error(r#"{"REDIS_HOST":"h","REDIS_ACCESS_KEY":"s3cret"}"#);
        assert_eq!(
            secret,
            TargetError::Secret(3, "REDIS_ACCESS_KEY".to_owned())
        );
        assert!(!secret.to_string().contains("s3cret"));
    }
}
