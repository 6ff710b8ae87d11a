//! The traits that `bindings.rs` generates, and nothing else.
//!
//! A guest may be anybody's: what it passes is bounded here, what it holds is a handle, and what
//! it does wrong is an error or a trap of its own.

use super::bindings::cache_health::capabilities::{access, credentials, redis, settings};
use super::{CapabilitiesView, ConnectionHandle, CredentialHandle, HasCapabilities, convert};
use crate::cache::{Ask, Cache};
use crate::provider::Provider;
use std::sync::Arc;
use std::time::Duration;
use wasmtime::Result;
use wasmtime::component::{Accessor, Resource};

/// The longest value a guest may write, in bytes (documented in `redis.wit`).
const MAX_VALUE: usize = 1024;

impl settings::Host for CapabilitiesView<'_> {}

impl<T: Send> settings::HostWithStore<T> for HasCapabilities {
    async fn get(
        accessor: &Accessor<T, Self>,
    ) -> Result<std::result::Result<settings::Settings, settings::Failure>> {
        let provider = provider(accessor);
        Ok(Ok(convert::settings_to_wit(&provider.config)))
    }

    async fn readiness(accessor: &Accessor<T, Self>) -> Result<String> {
        let policy = provider(accessor).config.readiness;
        Ok(policy.as_str().to_owned())
    }
}

impl credentials::Host for CapabilitiesView<'_> {}

impl<T: Send> credentials::HostWithStore<T> for HasCapabilities {
    async fn configured(accessor: &Accessor<T, Self>) -> Result<Vec<credentials::Candidate>> {
        let candidates = provider(accessor).config.candidates();
        Ok(candidates
            .into_iter()
            .map(convert::candidate_to_wit)
            .collect())
    }
}

impl<T: Send> credentials::HostCredentialWithStore<T> for HasCapabilities {
    async fn acquire(
        accessor: &Accessor<T, Self>,
        candidate: u32,
        budget: settings::Duration,
    ) -> Result<std::result::Result<Resource<CredentialHandle>, settings::Failure>> {
        let acquired = provider(accessor)
            .acquire(candidate, Duration::from_nanos(budget))
            .await;
        match acquired {
            Ok(credential) => {
                let handle = CredentialHandle { credential };
                let handle = accessor.with(|mut store| store.get().table.push(handle))?;
                Ok(Ok(handle))
            }
            Err(error) => Ok(Err(convert::failure_to_wit((&error).into()))),
        }
    }
}

impl credentials::HostCredential for CapabilitiesView<'_> {
    fn describe(&mut self, handle: Resource<CredentialHandle>) -> Result<credentials::Description> {
        Ok(convert::description_to_wit(
            &self.table.get(&handle)?.credential,
        ))
    }

    fn drop(&mut self, handle: Resource<CredentialHandle>) -> Result<()> {
        self.table.delete(handle)?;
        Ok(())
    }
}

impl access::Host for CapabilitiesView<'_> {}

impl<T: Send> access::HostWithStore<T> for HasCapabilities {
    async fn may_see_details(
        accessor: &Accessor<T, Self>,
        authorization: Option<String>,
    ) -> Result<bool> {
        let provider = provider(accessor);
        Ok(provider.may_see_details(authorization.as_deref()).await)
    }
}

impl redis::Host for CapabilitiesView<'_> {}

impl<T: Send> redis::HostConnectionWithStore<T> for HasCapabilities {
    async fn connect(
        accessor: &Accessor<T, Self>,
        credential: Resource<CredentialHandle>,
        options: redis::ConnectOptions,
    ) -> Result<std::result::Result<Resource<ConnectionHandle>, redis::ConnectFailure>> {
        let (provider, credential, room, caller) = accessor.with(|mut store| -> Result<_> {
            let view = store.get();
            let credential = view.table.get(&credential)?.credential.clone();
            let room = Arc::clone(view.connections).try_acquire_owned();
            Ok((Arc::clone(view.provider), credential, room, view.caller))
        })?;
        // Taken before it is there: many can be under way at once.
        let Ok(room) = room else {
            return Ok(Err(convert::too_many_connections()));
        };
        let ask = Ask {
            caller,
            budget: Duration::from_nanos(options.budget),
            new: options.new_connection,
        };
        let connected = provider.connect(&credential, ask).await;
        match connected {
            Ok(connection) => accessor.with(|mut store| {
                let handle = ConnectionHandle {
                    connection,
                    _room: room,
                };
                Ok(Ok(store.get().table.push(handle)?))
            }),
            Err(failure) => Ok(Err(convert::connect_failure_to_wit(failure))),
        }
    }

    async fn set(
        accessor: &Accessor<T, Self>,
        handle: Resource<ConnectionHandle>,
        value: Vec<u8>,
        ttl: u32,
        budget: settings::Duration,
    ) -> Result<std::result::Result<(), settings::Failure>> {
        if value.len() > MAX_VALUE {
            return Ok(Err(convert::refused("The value is longer than 1 KiB")));
        }
        if ttl == 0 {
            return Ok(Err(convert::refused("The time to live must not be zero")));
        }
        let (cache, connection) = connection(accessor, &handle)?;
        let set = cache
            .set(&connection, &value, ttl, Duration::from_nanos(budget))
            .await;
        Ok(set.map_err(|error| convert::failure_to_wit((&error).into())))
    }

    async fn get(
        accessor: &Accessor<T, Self>,
        handle: Resource<ConnectionHandle>,
        budget: settings::Duration,
    ) -> Result<std::result::Result<Option<Vec<u8>>, settings::Failure>> {
        let (cache, connection) = connection(accessor, &handle)?;
        let value = cache.get(&connection, Duration::from_nanos(budget)).await;
        Ok(value.map_err(|error| convert::failure_to_wit((&error).into())))
    }
}

impl redis::HostConnection for CapabilitiesView<'_> {
    fn session(&mut self, handle: Resource<ConnectionHandle>) -> Result<redis::Session> {
        let connection = &self.table.get(&handle)?.connection;
        Ok(convert::session_of(connection))
    }

    fn drop(&mut self, handle: Resource<ConnectionHandle>) -> Result<()> {
        self.table.delete(handle)?;
        Ok(())
    }
}

fn provider<T: Send>(accessor: &Accessor<T, HasCapabilities>) -> Arc<Provider> {
    accessor.with(|mut store| Arc::clone(store.get().provider))
}

fn connection<T: Send>(
    accessor: &Accessor<T, HasCapabilities>,
    handle: &Resource<ConnectionHandle>,
) -> Result<(Arc<Cache>, crate::cache::Connection)> {
    accessor.with(|mut store| {
        let view = store.get();
        let connection = view.table.get(handle)?.connection.clone();
        Ok((Arc::clone(&view.provider.cache), connection))
    })
}
