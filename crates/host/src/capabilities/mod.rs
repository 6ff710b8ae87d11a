//! The door to the guests: the imports of the WIT world over [`crate::provider`].

pub mod bindings;
mod convert;
mod host;

use crate::provider::{Credential, Provider};
use cache_health_provider::rate::Caller;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::component::{HasData, Linker, ResourceTable};

/// The most connections that the instances over one [`Capabilities`] hold together. The health component holds two at
/// most.
pub(crate) const MAX_CONNECTIONS: usize = 32;

/// The capabilities for the data of a store. Cheap to clone; what the clones hold is counted together.
#[derive(Clone)]
pub struct Capabilities {
    provider: Arc<Provider>,
    connections: Arc<Semaphore>,
    caller: Caller,
}

impl Capabilities {
    /// Over this provider, for components that nobody has to trust: they hold 32 connections at most.
    pub fn of(provider: Arc<Provider>) -> Self {
        Self::with_connections(provider, MAX_CONNECTIONS)
    }

    /// The same with this many connections at most. One more is the failure `not-allowed`.
    pub fn with_connections(provider: Arc<Provider>, connections: usize) -> Self {
        let connections = Arc::new(Semaphore::new(connections));
        Self::sharing(provider, connections, Caller::Request)
    }

    pub(crate) fn sharing(
        provider: Arc<Provider>,
        connections: Arc<Semaphore>,
        caller: Caller,
    ) -> Self {
        Self {
            provider,
            connections,
            caller,
        }
    }

    /// With the handles of the store that it is the data of.
    pub fn view<'a>(&'a self, table: &'a mut ResourceTable) -> CapabilitiesView<'a> {
        CapabilitiesView {
            provider: &self.provider,
            table,
            connections: &self.connections,
            caller: self.caller,
        }
    }
}

/// What the implementation of the capabilities needs of a store: made by [`Capabilities::view`].
pub struct CapabilitiesView<'a> {
    provider: &'a Arc<Provider>,
    table: &'a mut ResourceTable,
    connections: &'a Arc<Semaphore>,
    caller: Caller,
}

/// Implemented by the data of a store.
pub trait CapabilitiesHost: Send + 'static {
    /// What the capabilities need of it.
    fn capabilities(&mut self) -> CapabilitiesView<'_>;
}

/// Marks [`CapabilitiesView`] for the linker.
pub struct HasCapabilities;

impl HasData for HasCapabilities {
    type Data<'a> = CapabilitiesView<'a>;
}

/// A connection as a guest holds it.
pub struct ConnectionHandle {
    connection: crate::cache::Connection,
    _room: OwnedSemaphorePermit,
}

/// A credential as a guest holds it: a number in its table, and nothing behind it that it can read.
pub struct CredentialHandle {
    credential: Credential,
}

/// Links `settings`, `credentials`, `redis` and `access` of `cache-health:capabilities@0.2.0`. The engine needs the
/// component model's async support (`wasm_component_model_async`).
pub fn add_to_linker<T: CapabilitiesHost>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    use bindings::cache_health::capabilities::{access, credentials, redis, settings};
    settings::add_to_linker::<_, HasCapabilities>(linker, T::capabilities)?;
    credentials::add_to_linker::<_, HasCapabilities>(linker, T::capabilities)?;
    redis::add_to_linker::<_, HasCapabilities>(linker, T::capabilities)?;
    access::add_to_linker::<_, HasCapabilities>(linker, T::capabilities)?;
    Ok(())
}
