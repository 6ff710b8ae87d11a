//! Build tool: plugs components into one another, describes them, and precompiles them for the standalone host.
//!
//! A program of its own, because Cranelift takes minutes to build and neither the host's image
//! nor `cargo xtask` should carry it.

mod describe;

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use std::path::{Path, PathBuf};
use wac_graph::types::{Package, Types};
use wac_graph::{CompositionGraph, EncodeOptions, PackageId};

/// Composes, describes and precompiles components.
#[derive(Parser)]
enum Command {
    /// Plugs the exports of components into the imports of another.
    Plug {
        /// The component with the imports.
        socket: PathBuf,
        /// The component that exports them.
        #[arg(long, required = true)]
        plug: Vec<PathBuf>,
        /// Allow imports of ours to be left: something else supplies them.
        #[arg(long)]
        allow_imports: bool,
        /// Where the composed component goes.
        #[arg(long)]
        output: PathBuf,
    },
    /// Puts the HTTP component, the health component and a provider together: one provider serves both.
    Serve {
        /// The HTTP component.
        handler: PathBuf,
        /// The health component.
        #[arg(long)]
        health: PathBuf,
        /// What exports the capabilities; without, the composition imports them.
        #[arg(long)]
        provider: Option<PathBuf>,
        /// Where the composed component goes.
        #[arg(long)]
        output: PathBuf,
    },
    /// Says in a component what it is.
    Describe {
        /// The component.
        component: PathBuf,
        /// What is said.
        #[command(flatten)]
        about: describe::About,
        /// Where the component with it goes.
        #[arg(long)]
        output: PathBuf,
    },
    /// Compiles a component to machine code.
    Precompile {
        /// The component.
        component: PathBuf,
        /// The target triple.
        #[arg(long)]
        target: String,
        /// Where the machine code goes.
        #[arg(long)]
        output: PathBuf,
    },
}

fn main() -> Result<()> {
    match Command::parse() {
        Command::Plug {
            socket,
            plug,
            allow_imports,
            output,
        } => {
            let composed = compose(&socket, &plug)?;
            if !allow_imports {
                ensure_nothing_is_left(&composed)?;
            }
            write(&output, &composed)
        }
        Command::Serve {
            handler,
            health,
            provider,
            output,
        } => write(&output, &serve(&handler, &health, provider.as_deref())?),
        Command::Describe {
            component,
            about,
            output,
        } => write(&output, &describe::describe(&read(&component)?, &about)?),
        Command::Precompile {
            component,
            target,
            output,
        } => {
            let config = cache_health_engine::config_for(&target)?;
            let engine = wasmtime::Engine::new(&config)?;
            write(&output, &engine.precompile_component(&read(&component)?)?)
        }
    }
}

fn compose(socket: &Path, plugs: &[PathBuf]) -> Result<Vec<u8>> {
    let mut graph = CompositionGraph::new();
    let socket = register(&mut graph, socket)?;
    let plugs = plugs
        .iter()
        .map(|path| register(&mut graph, path))
        .collect::<Result<Vec<_>>>()?;
    wac_graph::plug(&mut graph, plugs, socket)?;
    Ok(graph.encode(EncodeOptions::default())?)
}

/// Makes a component known to a graph.
fn register(graph: &mut CompositionGraph, path: &Path) -> Result<PackageId> {
    let name = path
        .file_stem()
        .map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    let package = Package::from_bytes(&name, None, read(path)?, graph.types_mut())
        .with_context(|| format!("{} is not a component", path.display()))?;
    Ok(graph.register_package(package)?)
}

/// The interfaces, in the version that is built here.
const HEALTH: &str = "cache-health:probe/health@0.2.0";
const HANDLER: &str = "wasi:http/handler@0.3.0";
const CAPABILITIES: [&str; 4] = [
    "cache-health:capabilities/settings@0.2.0",
    "cache-health:capabilities/credentials@0.2.0",
    "cache-health:capabilities/redis@0.2.0",
    "cache-health:capabilities/access@0.2.0",
];

fn serve(handler: &Path, health: &Path, provider: Option<&Path>) -> Result<Vec<u8>> {
    let mut graph = CompositionGraph::new();
    let mut instantiate = |path: &Path| -> Result<_> {
        let package = register(&mut graph, path)?;
        Ok(graph.instantiate(package))
    };
    let provider = provider.map(&mut instantiate).transpose()?;
    let (health, handler) = (instantiate(health)?, instantiate(handler)?);
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
    if provider.is_some() {
        ensure_nothing_is_left(&composed)?;
    }
    Ok(composed)
}

/// `plug` drops an export whose type differs, in silence: what is still imported was not plugged.
fn ensure_nothing_is_left(component: &[u8]) -> Result<()> {
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

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    std::fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}
