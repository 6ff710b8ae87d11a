//! Build tool: plugs components into one another, describes them, and precompiles them for the standalone host.
//!
//! A program of its own, because Cranelift takes minutes to build and neither the host's image
//! nor `cargo xtask` should carry it.

mod describe;
mod names;

use anyhow::{Context as _, Result};
use cache_health_compose::engine::config_for;
use cache_health_compose::graph;
use clap::Parser;
use std::path::{Path, PathBuf};

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
            let plugs = plug.iter().map(|path| component(path));
            let composed = graph::plug(component(&socket)?, plugs.collect::<Result<_>>()?)?;
            if !allow_imports {
                graph::ensure_nothing_is_left(&composed)?;
            }
            write(&output, &composed)
        }
        Command::Serve {
            handler,
            health,
            provider,
            output,
        } => {
            let provider = provider.as_deref().map(component).transpose()?;
            let composed = graph::serve(component(&handler)?, component(&health)?, provider)?;
            write(&output, &composed)
        }
        Command::Describe {
            component: path,
            about,
            output,
        } => write(&output, &describe::describe(&component(&path)?, &about)?),
        Command::Precompile {
            component: path,
            target,
            output,
        } => {
            let engine = wasmtime::Engine::new(&config_for(&target)?)?;
            write(&output, &engine.precompile_component(&component(&path)?)?)
        }
    }
}

/// A component, without the names of its parts.
fn component(path: &Path) -> Result<Vec<u8>> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    names::without(&bytes).with_context(|| path.display().to_string())
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    std::fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}
