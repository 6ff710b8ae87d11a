//! Spin's variables as the configuration, under the names of the contract in lower case.

use crate::clock;
use cache_health_provider::config::{KeySource, NAMES, NotText, OPERATOR_TOKEN};
use cache_health_provider::{Config, ConfigError, SecretString, Variables};
use futures::future::join_all;
use spin_sdk::variables;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

/// How long what was read is used. Variables can come from a store that changes (Vault, Key Vault),
/// and asking for each of them costs a call into Spin.
const READ_AGAIN: Duration = Duration::from_secs(10);

/// What means nothing here, besides what needs a file: a component has none and starts no programs, and Spin listens.
const LEFT_OUT: [&str; 11] = [
    "REDIS_TLS_NAME",
    "AZURE_CLIENT_CERTIFICATE_PATH",
    "AZURE_KUBERNETES_TOKEN_PROXY",
    "AZURE_KUBERNETES_CA_DATA",
    "AZURE_KUBERNETES_SNI_NAME",
    "CACHE_HEALTH_LISTEN",
    "CACHE_HEALTH_FAILURES",
    "CACHE_HEALTH_NEW_CONNECTION_EVERY",
    "CACHE_HEALTH_HEARTBEAT",
    "CACHE_HEALTH_ADMIN_LISTEN",
    "CACHE_HEALTH_MAX_CHECKS_PER_SECOND",
];

thread_local! {
    static READ: RefCell<Option<(Rc<Config>, Duration)>> = const { RefCell::new(None) };
}

/// The configuration as it is now, give or take [`READ_AGAIN`].
pub async fn config() -> Result<Rc<Config>, ConfigError> {
    let now = clock::now();
    let young = |at: &Duration| now.saturating_sub(*at) < READ_AGAIN;
    let read = READ.with_borrow(|read| read.clone());
    if let Some((config, at)) = read
        && young(&at)
    {
        return Ok(config);
    }
    let config = Rc::new(Config::from_variables(&Values(read_all().await?))?);
    READ.set(Some((Rc::clone(&config), now)));
    Ok(config)
}

/// The operator's token, where there is one: also while something else of the configuration cannot be used, or it would be
/// handed on to the application as if it were its own.
pub async fn operator_token() -> Option<SecretString> {
    if let Ok(config) = config().await {
        return match &config.operator_token {
            Some(KeySource::Value(token)) => Some(token.clone()),
            _ => None,
        };
    }
    let text = variables::get(spelled(OPERATOR_TOKEN)).await.ok()?;
    let token = text.trim();
    (!token.is_empty()).then(|| SecretString::from(token))
}

/// What is defined. Every variable is asked for beside the others: each can be a request to a store.
async fn read_all() -> Result<HashMap<&'static str, String>, ConfigError> {
    let asked = join_all(names().map(|name| variables::get(spelled(name)))).await;
    let mut values = HashMap::new();
    for (name, value) in names().zip(asked) {
        match value {
            Ok(value) => drop(values.insert(name, value)),
            // What the manifest does not declare is unset, like what it leaves empty.
            Err(variables::Error::Undefined(_)) => {}
            // Anything else is not: a store that is down must not turn `entra` into the default.
            // Spin's own error text could quote a template, so it goes no further.
            Err(_) => return Err(provider_failed(name)),
        }
    }
    if values.is_empty() {
        return Err(nothing_is_defined());
    }
    Ok(values)
}

/// The variables of the contract that mean something here.
fn names() -> impl Iterator<Item = &'static str> {
    let means_something = |name: &&str| !name.ends_with("_FILE") && !LEFT_OUT.contains(name);
    NAMES.into_iter().filter(means_something)
}

/// Azure Key Vault says so of a secret that it does not hold, where other stores say that there is none.
fn provider_failed(name: &str) -> ConfigError {
    let problem = "could not be read: Spin's variable provider failed, or does not hold it";
    ConfigError {
        shape: Some("provider-failed"),
        ..ConfigError::new(spelled(name), problem)
    }
}

/// Nobody declares none: a manifest that does not want the default of a name leaves it out, and names the cache.
fn nothing_is_defined() -> ConfigError {
    let problem = "is not set, and no other variable reaches this component";
    ConfigError {
        shape: Some("not-inherited"),
        ..ConfigError::new(spelled("REDIS_HOST"), problem)
    }
}

/// What a user of Spin calls a variable.
fn spelled(name: &str) -> String {
    match name {
        // A variable of the application, which other components of it may share.
        OPERATOR_TOKEN => "operator_token".to_owned(),
        name => name.to_ascii_lowercase(),
    }
}

/// Reads everything again with the next call: after a refusal, a key may have been rotated.
pub fn forget() {
    READ.set(None);
}

struct Values(HashMap<&'static str, String>);

impl Variables for Values {
    fn get(&self, name: &str) -> Result<Option<String>, NotText> {
        Ok(self.0.get(name).cloned())
    }

    fn spelling(&self, name: &str) -> String {
        spelled(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variable_that_is_asked_for_is_one_of_the_contract() {
        for name in names().chain(LEFT_OUT) {
            assert!(NAMES.contains(&name), "{name}");
        }
        assert!(names().any(|name| name == OPERATOR_TOKEN));
    }

    #[test]
    fn what_has_no_variable_and_what_the_store_does_not_hold_are_told_apart() {
        assert_eq!(nothing_is_defined().shape, Some("not-inherited"));
        assert_eq!(provider_failed("REDIS_AUTH").variable, "redis_auth");
    }
}
