//! Under a real `spin up`, where there is one of version 4.1 or later on PATH.

mod allowed;
mod chaining;
mod container;
mod dependency;
mod instances;
mod middleware;
mod variables;
mod verdicts;

use crate::fixtures::Azure;
use crate::fixtures::spin_host::Application;
use std::collections::HashMap;
use std::sync::Arc;

/// An application with an access key, and nothing else.
fn with_a_key(azure: &Azure) -> Application {
    let variables = HashMap::from([
        ("redis_host".to_owned(), "localhost".to_owned()),
        ("redis_port".to_owned(), azure.redis.port().to_string()),
        ("redis_auth".to_owned(), "access-key".to_owned()),
        ("redis_access_key".to_owned(), azure.access_key.clone()),
    ]);
    of(azure, variables)
}

/// An application with a managed identity.
fn with_an_identity(azure: &Azure) -> Application {
    let variables = HashMap::from([
        ("redis_host".to_owned(), "localhost".to_owned()),
        ("redis_port".to_owned(), azure.redis.port().to_string()),
        ("identity_endpoint".to_owned(), azure.identity.url()),
        ("identity_header".to_owned(), azure.identity.header.clone()),
    ]);
    of(azure, variables)
}

fn of(azure: &Azure, variables: HashMap<String, String>) -> Application {
    let mut application = Application {
        variables,
        ca_file: azure.redis.ca_file(),
        unreadable: None,
        connections: Arc::default(),
    };
    application.has_an_operator();
    application
}
