//! Build tool: plugs components into one another and precompiles them for the own host.
//!
//! A program of its own, because Cranelift takes minutes to build and neither the host's image
//! nor `cargo xtask` should carry it.

use anyhow::{Context as _, Result};
use clap::Parser;
use std::path::{Path, PathBuf};
use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions};

/// Composes and precompiles components.
#[derive(Parser)]
enum Command {
    /// Plugs the exports of components into the imports of another.
    Plug {
        /// The component with the imports.
        socket: PathBuf,
        /// The component that exports them.
        #[arg(long, required = true)]
        plug: Vec<PathBuf>,
        /// Where the composed component goes.
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
            output,
        } => write(&output, &compose(&socket, &plug)?),
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
    let mut register = |path: &Path| -> Result<_> {
        let name = path
            .file_stem()
            .map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        let package = Package::from_bytes(&name, None, read(path)?, graph.types_mut())
            .with_context(|| format!("{} is not a component", path.display()))?;
        Ok(graph.register_package(package)?)
    };
    let socket = register(socket)?;
    let plugs = plugs
        .iter()
        .map(|path| register(path))
        .collect::<Result<Vec<_>>>()?;
    wac_graph::plug(&mut graph, plugs, socket)?;
    Ok(graph.encode(EncodeOptions::default())?)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    std::fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}
