//! What looks at the status page: Debian's Chromium, and from npm what drives it and what judges it, into target/browser.

use crate::build::target;
use crate::install::{self, from_npm};
use anyhow::Result;
use std::path::PathBuf;

/// The packages, as tried.
const PACKAGES: [(&str, &str); 2] = [("playwright-core", "1.64.1"), ("axe-core", "4.14.1")];

/// Installs them.
pub fn install() -> Result<PathBuf> {
    install::chromium()?;
    let folder = target().join("browser");
    from_npm(&folder, &PACKAGES)?;
    Ok(folder)
}
