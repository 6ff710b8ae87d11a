//! Spin's variables as the configuration, under the names of the contract in lower case.

use crate::clock;
use cache_health_provider::config::{NAMES, NotText, OPERATOR_TOKEN};
use cache_health_provider::{Config, ConfigError, Variables};
use spin_sdk::variables;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

/// How long what was read is used. Variables can come from a store that changes (Vault, Key Vault),
/// and asking for each of them costs a call into Spin.
const READ_AGAIN: Duration = Duration::from_secs(10);

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
    let mut values = HashMap::new();
    for name in NAMES.into_iter().filter(|name| !names_a_file(name)) {
        let spelled = spelled(name);
        match variables::get(spelled.clone()).await {
            Ok(value) => drop(values.insert(name, value)),
            // What the manifest does not declare is unset, like what it leaves empty.
            Err(variables::Error::Undefined(_)) => {}
            // Anything else is not: a store that is down must not turn `entra` into the default.
            // Spin's own error text could quote a template, so it goes no further.
            Err(_) => {
                let problem = "could not be read: Spin's variable provider failed";
                return Err(ConfigError::new(spelled, problem));
            }
        }
    }
    let config = Rc::new(Config::from_variables(&Values(values))?);
    READ.set(Some((Rc::clone(&config), now)));
    Ok(config)
}

/// What a user of Spin calls a variable.
fn spelled(name: &str) -> String {
    match name {
        // A variable of the application, which other components of it may share.
        OPERATOR_TOKEN => "operator_token".to_owned(),
        name => name.to_ascii_lowercase(),
    }
}

/// What a component on Spin cannot read: it has no files unless its manifest gives it some.
fn names_a_file(name: &str) -> bool {
    name.ends_with("_FILE") || name == "AZURE_CLIENT_CERTIFICATE_PATH"
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
