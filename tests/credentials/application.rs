//! An application that is registered with Entra, and the cache that its tokens are for.

use crate::fixtures::{Azure, Check};
use cache_health_local_azure::issuer::{Proof, Registration, TokenEndpoint};
use cache_health_local_azure::token;

/// An application, its cache, and the endpoint that knows it.
pub struct Application {
    pub azure: Azure,
    pub endpoint: TokenEndpoint,
    pub registration: Registration,
}

impl Application {
    /// One that proves itself with this, and whose tokens live this many seconds.
    pub fn start(proof: Proof, life: i64) -> Self {
        let azure = Azure::start();
        let registration = Registration {
            tenant_id: token::object_id(),
            client_id: token::object_id(),
            proof,
            issue: azure.issuer(life),
        };
        let endpoint = TokenEndpoint::start(registration.clone(), &azure.chain);
        Self {
            endpoint: endpoint.expect("an endpoint"),
            registration,
            azure,
        }
    }

    /// A check by its name, without what proves it.
    pub fn check(&self) -> Check {
        let ca_file = self.azure.redis.ca_file().display().to_string();
        self.azure
            .check()
            .env("AZURE_TENANT_ID", &self.registration.tenant_id)
            .env("AZURE_CLIENT_ID", &self.registration.client_id)
            .env("AZURE_AUTHORITY_HOST", self.endpoint.authority())
            .env("AZURE_AUTHORITY_CA_FILE", ca_file)
    }
}
