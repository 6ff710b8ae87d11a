//! Copying.

use anyhow::{Context as _, Result};
use std::path::Path;

/// Copies the files of a folder.
pub fn copy_all(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let path = entry?.path();
        if let Some(name) = path.file_name().filter(|_| path.is_file()) {
            copy(&path, &to.join(name))?;
        }
    }
    Ok(())
}

/// Copies a file that may be in use where it is copied to.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    // A program that runs cannot be written over, but it can be replaced.
    let _ = std::fs::remove_file(to);
    std::fs::copy(from, to)
        .with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}
