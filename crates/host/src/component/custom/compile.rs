//! Other people's components: compiled when the program starts, and given `health` if they ask
//! for it.

use cache_health_compose::graph;
use wasmtime::component::Component;
use wasmtime::{Engine, Result};

/// The health component, for those who import `health`.
static HEALTH: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/cache-health.wasm"));
/// How the interface is called, whatever its version.
const HEALTH_INTERFACE: &str = "cache-health:probe/health@";

/// Compiles a component, with the health component plugged in if it imports `health`.
pub fn compile(engine: &Engine, app: &[u8]) -> Result<Component> {
    let component = Component::new(engine, app)?;
    let component_type = component.component_type();
    let wants_health = component_type
        .imports(engine)
        .any(|(name, _)| name.starts_with(HEALTH_INTERFACE));
    if !wants_health {
        return Ok(component);
    }
    let plugged = graph::plug(app.to_vec(), vec![HEALTH.to_vec()])
        .map_err(|error| wasmtime::Error::msg(format!("{error:#}")))?;
    Component::new(engine, plugged)
}
