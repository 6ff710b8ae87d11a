//! Why one component's import is not another's export, which `wac plug` does not say.

use std::collections::HashSet;
use thiserror::Error;
use wac_graph::types::{Package, SubtypeChecker, Types, are_semver_compatible};

/// An import that nothing could be plugged into.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Mismatch {
    /// It is of another version.
    #[error("it imports {import}, and this has {export}")]
    Version {
        /// What is imported.
        import: String,
        /// What there is.
        export: String,
    },
    /// It is of the same version, and declared otherwise.
    #[error("its {import} is not the one of that name: {why}")]
    Type {
        /// What is imported.
        import: String,
        /// The first difference, in wac's words.
        why: String,
    },
}

/// The first import of ours in `socket` that `plug` has something for which does not fit.
#[must_use]
pub fn mismatch(socket: &[u8], plug: &[u8]) -> Option<Mismatch> {
    let mut types = Types::default();
    let socket = Package::from_bytes("socket", None, socket, &mut types).ok()?;
    let plug = Package::from_bytes("plug", None, plug, &mut types).ok()?;
    let mut checked = HashSet::new();
    let mut checker = SubtypeChecker::new(&mut checked);
    for (import, wanted) in &types[socket.ty()].imports {
        let mut exports = types[plug.ty()].exports.iter();
        let same = |export: &str| ours(import) && interface(export) == interface(import);
        let Some((export, offered)) = exports.find(|(export, _)| same(export)) else {
            continue;
        };
        if export != import && !are_semver_compatible(export, import) {
            return Some(Mismatch::Version {
                import: import.clone(),
                export: export.clone(),
            });
        }
        if let Err(error) = checker.is_subtype(*offered, &types, *wanted, &types) {
            return Some(Mismatch::Type {
                import: import.clone(),
                why: format!("{error:#}"),
            });
        }
    }
    None
}

fn ours(name: &str) -> bool {
    name.starts_with("cache-health:")
}

/// A name without its version.
fn interface(name: &str) -> &str {
    name.split('@').next().unwrap_or(name)
}
