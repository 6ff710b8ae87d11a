//! The environment: read here and nowhere else.

use crate::cli::Flags;
use cache_health_provider::Variables;
use cache_health_provider::config::NotText;
use std::env::VarError;

/// The process' environment, with flags that win over it.
pub struct Environment {
    flags: Flags,
}

impl Environment {
    /// The environment under these flags.
    pub fn with_flags(flags: Flags) -> Self {
        Self { flags }
    }
}

impl Variables for Environment {
    fn get(&self, name: &str) -> Result<Option<String>, NotText> {
        if let Some((_, value)) = self.flags.iter().find(|(flag, _)| *flag == name) {
            return Ok(Some(value.clone()));
        }
        match std::env::var(name) {
            Ok(value) => Ok(Some(value)),
            Err(VarError::NotPresent) => Ok(None),
            Err(VarError::NotUnicode(_)) => Err(NotText),
        }
    }
}
