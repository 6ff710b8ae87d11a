//! An application, and the cache that its tokens are for.

use crate::fixtures::application::Application as Registered;
use crate::fixtures::{Azure, Check};
use cache_health_local_azure::issuer::Proof;

/// An application and its cache.
pub struct Application {
    pub azure: Azure,
    registered: Registered,
}

impl Application {
    /// One that proves itself with this, and whose tokens live this many seconds.
    pub fn start(proof: Proof, life: i64) -> Self {
        let azure = Azure::start();
        let registered = Registered::register(&azure, proof, life);
        Self { azure, registered }
    }

    /// A check by its name, without what proves it.
    pub fn check(&self) -> Check {
        let environment = self.registered.environment(&self.azure);
        self.azure.check().envs(environment)
    }
}
