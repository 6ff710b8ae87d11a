//! Microsoft's own parser of KQL, from npm, into target/kusto.

use crate::build::target;
use crate::install::from_npm;
use anyhow::Result;
use std::path::PathBuf;

/// The package, as tried.
const PACKAGE: (&str, &str) = ("@kusto/language-service-next", "12.4.1");

/// Installs it.
pub fn install() -> Result<PathBuf> {
    let folder = target().join("kusto");
    from_npm(&folder, &[PACKAGE])?;
    Ok(folder)
}
