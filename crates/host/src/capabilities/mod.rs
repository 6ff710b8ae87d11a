//! The door to the guests: the imports of the WIT world over [`crate::provider`].

pub mod bindings;
mod convert;
mod host;

use crate::provider::{Credential, Provider};
use cache_health_provider::rate::Caller;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::component::{HasData, Linker, ResourceTable};

/// What the implementation of the capabilities needs of a store.
pub struct CapabilitiesView<'a> {
    /// The provider that all instances share.
    pub provider: &'a Arc<Provider>,
    /// This instance's handles.
    pub table: &'a mut ResourceTable,
    /// Room for connections, which it may share with other instances.
    pub connections: &'a Arc<Semaphore>,
    /// Whose calls these are.
    pub caller: Caller,
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

/// Links `settings`, `credentials`, `redis` and `access`.
pub fn add_to_linker<T: CapabilitiesHost>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    use bindings::cache_health::capabilities::{access, credentials, redis, settings};
    settings::add_to_linker::<_, HasCapabilities>(linker, T::capabilities)?;
    credentials::add_to_linker::<_, HasCapabilities>(linker, T::capabilities)?;
    redis::add_to_linker::<_, HasCapabilities>(linker, T::capabilities)?;
    access::add_to_linker::<_, HasCapabilities>(linker, T::capabilities)?;
    Ok(())
}
