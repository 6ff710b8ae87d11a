//! Composition, by wac.

use anyhow::{Context as _, Result, ensure};
use wac_graph::types::{Package, Types};
use wac_graph::{CompositionGraph, EncodeOptions, PackageId};

/// The interfaces, in the version that is built here.
const HEALTH: &str = "cache-health:probe/health@0.2.0";
const HANDLER: &str = "wasi:http/handler@0.3.0";
const CAPABILITIES: [&str; 4] = [
    "cache-health:capabilities/settings@0.2.0",
    "cache-health:capabilities/credentials@0.2.0",
    "cache-health:capabilities/redis@0.2.0",
    "cache-health:capabilities/access@0.2.0",
];

/// Plugs the exports of components into the imports of another.
///
/// # Errors
///
/// When one of them is not a component, or nothing could be plugged: then [`crate::mismatch`] says why.
pub fn plug(socket: Vec<u8>, plugs: Vec<Vec<u8>>) -> Result<Vec<u8>> {
    let mut graph = CompositionGraph::new();
    let socket = register(&mut graph, "socket", socket)?;
    let plugs = plugs
        .into_iter()
        .enumerate()
        .map(|(at, plug)| register(&mut graph, &format!("plug-{at}"), plug))
        .collect::<Result<Vec<_>>>()?;
    wac_graph::plug(&mut graph, plugs, socket)?;
    Ok(graph.encode(EncodeOptions::default())?)
}

/// Puts the HTTP component before the health component, and one provider behind both; without a provider the
/// composition imports the capabilities.
///
/// # Errors
///
/// When one of them is not a component, does not have the interface it is here for, or an import of ours is left that
/// the provider should have had.
pub fn serve(handler: Vec<u8>, health: Vec<u8>, provider: Option<Vec<u8>>) -> Result<Vec<u8>> {
    let supplied = provider.is_some();
    let mut graph = CompositionGraph::new();
    let mut instantiate = |name: &str, component: Vec<u8>| -> Result<_> {
        let package = register(&mut graph, name, component)?;
        Ok(graph.instantiate(package))
    };
    let provider = provider
        .map(|provider| instantiate("provider", provider))
        .transpose()?;
    let health = instantiate("health", health)?;
    let handler = instantiate("handler", handler)?;
    if let Some(provider) = provider {
        for capability in CAPABILITIES {
            let export = graph.alias_instance_export(provider, capability)?;
            for user in [health, handler] {
                // Not everybody imports each of them.
                let given = graph.set_instantiation_argument(user, capability, export);
                drop(given);
            }
        }
    }
    let verdict = graph.alias_instance_export(health, HEALTH)?;
    graph.set_instantiation_argument(handler, HEALTH, verdict)?;
    let answers = graph.alias_instance_export(handler, HANDLER)?;
    graph.export(answers, HANDLER)?;
    let composed = graph.encode(EncodeOptions::default())?;
    if supplied {
        ensure_nothing_is_left(&composed)?;
    }
    Ok(composed)
}

/// Refuses a composition that still imports an interface of ours: [`plug`] drops an export whose type differs, in
/// silence, so what is still imported was not plugged.
///
/// # Errors
///
/// When it does.
pub fn ensure_nothing_is_left(component: &[u8]) -> Result<()> {
    let mut types = Types::default();
    let package = Package::from_bytes("composed", None, component, &mut types)?;
    let imports = types[package.ty()].imports.keys();
    let left: Vec<_> = imports
        .filter(|name| name.starts_with("cache-health:"))
        .cloned()
        .collect();
    ensure!(
        left.is_empty(),
        "the composition still imports {}",
        left.join(", ")
    );
    Ok(())
}

/// Makes a component known to a graph.
fn register(graph: &mut CompositionGraph, name: &str, component: Vec<u8>) -> Result<PackageId> {
    let package = Package::from_bytes(name, None, component, graph.types_mut())
        .with_context(|| format!("the {name} is not a component"))?;
    Ok(graph.register_package(package)?)
}
