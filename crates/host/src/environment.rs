//! The environment: read here and nowhere else.

use crate::cli::Flags;
use crate::files::{Files, MAX_SECRET};
use cache_health_provider::config::{NotText, says_where};
use cache_health_provider::{ConfigError, ExposeSecret as _, SecretString, Variables};
use std::env::VarError;
use std::path::{Path, PathBuf};

/// The variable that a file may hold in its place.
pub const CONNECTION_STRING: &str = "REDIS_CONNECTION_STRING";
/// The file.
const CONNECTION_STRING_FILE: &str = "REDIS_CONNECTION_STRING_FILE";

/// Whether the terminal says that it takes UTF-8. POSIX: the first of these that is set decides.
pub fn takes_utf8() -> bool {
    let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set);
    let locale = locale.unwrap_or_default().to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

/// Whether nobody wants colour (<https://no-color.org>).
pub fn wants_no_colour() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

/// The process' environment, with flags that win over it.
pub struct Environment {
    flags: Flags,
    /// `--connection-string-from`: the variable with the connection string, which then is the only source.
    connection_string_from: Option<String>,
    /// What `REDIS_CONNECTION_STRING_FILE` holds.
    connection_string: Option<SecretString>,
}

impl Environment {
    /// The environment under these flags. Fails when a file that holds the connection string cannot be used.
    pub async fn with_flags(
        flags: Flags,
        connection_string_from: Option<String>,
    ) -> Result<Self, ConfigError> {
        let mut environment = Self {
            flags,
            connection_string_from,
            connection_string: None,
        };
        if let Some(from) = &environment.connection_string_from
            && environment.get(CONNECTION_STRING) == Ok(None)
        {
            let problem = "is not set, and --connection-string-from names it";
            return Err(ConfigError::new(from, problem));
        }
        environment.connection_string = connection_string_in_a_file(&environment).await?;
        Ok(environment)
    }
}

/// The connection string that a file holds, where one is named: unlike other secrets it is taken apart before anything
/// else is read.
pub async fn connection_string_in_a_file(
    variables: &impl Variables,
) -> Result<Option<SecretString>, ConfigError> {
    let error = |problem: &str| ConfigError::new(CONNECTION_STRING_FILE, problem);
    let Some(path) = variables.text(CONNECTION_STRING_FILE) else {
        return Ok(None);
    };
    if variables.get(CONNECTION_STRING) != Ok(None) {
        return Err(error("and its value form are both set"));
    }
    let text = Files::default().text(Path::new(&path), MAX_SECRET).await;
    text.map(Some)
        .map_err(|problem| error(&problem.to_string()))
}

impl Variables for Environment {
    fn get(&self, name: &str) -> Result<Option<String>, NotText> {
        if let Some((_, value)) = self.flags.iter().find(|(flag, _)| *flag == name) {
            return Ok(Some(value.clone()));
        }
        let name = match &self.connection_string_from {
            Some(from) if name == CONNECTION_STRING => from,
            // It was named on the command line, so nothing else says where the cache is.
            Some(_) if says_where(name) => return Ok(None),
            _ => name,
        };
        match std::env::var(name) {
            Ok(value) => Ok(Some(value)),
            Err(VarError::NotPresent) if name == CONNECTION_STRING => {
                let held = self.connection_string.as_ref();
                Ok(held.map(|text| text.expose_secret().to_owned()))
            }
            Err(VarError::NotPresent) => Ok(None),
            Err(VarError::NotUnicode(_)) => Err(NotText),
        }
    }

    fn spelling(&self, name: &str) -> String {
        match &self.connection_string_from {
            Some(from) if name == CONNECTION_STRING => from.clone(),
            _ => name.to_owned(),
        }
    }

    fn has_program(&self, name: &str) -> bool {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path)
            .map(|folder: PathBuf| folder.join(name))
            .any(|file| file.is_file())
    }

    fn has_imds(&self) -> bool {
        true
    }
}
