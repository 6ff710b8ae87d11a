//! Other people's components: compiled when the program starts, and given `health` if they ask for it. One that does not
//! fit is told what does not fit.

use cache_health_compose::graph;
use cache_health_compose::mismatch::{Mismatch, mismatch};
use thiserror::Error;
use wasmtime::Engine;
use wasmtime::component::Component;

/// The health component, for those who import `health`.
static HEALTH: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/cache-health.wasm"));
/// How the interface is called, whatever its version.
const HEALTH_INTERFACE: &str = "cache-health:probe/health@";
/// What it has to export.
const HANDLER: &str = "wasi:http/handler@0.3.0";
/// How that was called while it was a draft.
const DRAFT: &str = "wasi:http/handler@0.3.0-";
/// What an application of WASI 0.2 exports in its place.
const OLDER: &str = "wasi:http/incoming-handler@0.2";

/// Why a component cannot be run.
#[derive(Debug, Error)]
pub enum Unfit {
    /// It is none, or the engine does not take it.
    #[error("{0:#}")]
    NotAComponent(wasmtime::Error),
    /// It is of WASI 0.2.
    #[error(
        "it exports {0}, so it is an application of WASI 0.2, and this host runs {HANDLER}: build it for WASI 0.3, or let \
         it ask /healthz over HTTP (docs/compose.md)"
    )]
    Older(String),
    /// It is of a draft of WASI 0.3.
    #[error(
        "it exports {0}, a draft of what this host runs: build it again, with tools that have {HANDLER}"
    )]
    Draft(String),
    /// It answers no HTTP.
    #[error("it does not export {HANDLER}, which answers requests; it exports {0}")]
    NoHandler(String),
    /// Its `health` is another one.
    #[error("{0}: build it against the wit/ of this version")]
    Health(Mismatch),
    /// `health` could not be plugged into it.
    #[error("health cannot be given to it: {0:#}")]
    Plug(anyhow::Error),
    /// Something else that it imports is not here, or not so.
    #[error("{0:#}")]
    Link(wasmtime::Error),
}

/// Compiles a component, with the health component plugged in if it imports `health`.
pub fn compile(engine: &Engine, app: &[u8]) -> Result<Component, Unfit> {
    let component = Component::new(engine, app).map_err(Unfit::NotAComponent)?;
    let component_type = component.component_type();
    let exports = component_type.exports(engine);
    answers_http(exports.map(|(name, _)| name.to_owned()).collect())?;
    let wants_health = component_type
        .imports(engine)
        .any(|(name, _)| name.starts_with(HEALTH_INTERFACE));
    if !wants_health {
        return Ok(component);
    }
    // wac drops an export that does not fit, in silence.
    if let Some(mismatch) = mismatch(app, HEALTH) {
        return Err(Unfit::Health(mismatch));
    }
    let plugged = graph::plug(app.to_vec(), vec![HEALTH.to_vec()]).map_err(Unfit::Plug)?;
    Component::new(engine, plugged).map_err(Unfit::NotAComponent)
}

fn answers_http(exports: Vec<String>) -> Result<(), Unfit> {
    let exported = |start: &str| exports.iter().find(|name| name.starts_with(start)).cloned();
    if exports.iter().any(|name| name == HANDLER) {
        return Ok(());
    }
    if let Some(older) = exported(OLDER) {
        return Err(Unfit::Older(older));
    }
    if let Some(draft) = exported(DRAFT) {
        return Err(Unfit::Draft(draft));
    }
    Err(Unfit::NoHandler(match exports.as_slice() {
        [] => "nothing".to_owned(),
        exports => exports.join(", "),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exporting(name: &str) -> Result<(), Unfit> {
        answers_http(vec![
            "cache-health:probe/health@0.2.0".to_owned(),
            name.to_owned(),
        ])
    }

    #[test]
    fn an_older_application_a_draft_and_one_without_http_are_told_apart() {
        assert!(matches!(
            exporting("wasi:http/incoming-handler@0.2.6"),
            Err(Unfit::Older(_))
        ));
        assert!(matches!(
            exporting("wasi:http/handler@0.3.0-rc-2026-03-15"),
            Err(Unfit::Draft(_))
        ));
        assert!(matches!(
            exporting("wasi:cli/run@0.3.0"),
            Err(Unfit::NoHandler(_))
        ));
        assert!(exporting(HANDLER).is_ok());
    }
}
