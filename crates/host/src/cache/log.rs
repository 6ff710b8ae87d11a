//! The lines that the recipe's verification asks for.

use crate::cache::kept::Cache;
use crate::cache::{CacheError, Connection};
use tracing::{debug, info, warn};

impl Cache {
    /// At info on the first success of a connection and on every change between working and not, at
    /// debug always.
    pub(super) fn log(
        &self,
        connection: &Connection,
        command: &'static str,
        error: Option<&CacheError>,
    ) {
        let working = error.is_none();
        let changed = {
            let mut slots = self.lock();
            // A round trip is working once its GET is, and broken with either command.
            let settles = command == "GET" || !working;
            let changed = slots.working != Some(working);
            if settles {
                slots.working = Some(working);
            }
            changed
        };
        let owner = &connection.owner;
        let (key, port) = (&self.key, self.endpoint.port);
        let (method, principal) = (owner.method, &owner.principal);
        let tls = connection.observed.tls.as_ref();
        let tls = tls.map_or("none", |tls| tls.protocol.as_str());
        match error {
            None if changed || !connection.reused => {
                info!(
                    command,
                    key, method, principal, port, tls, "{command} succeeded"
                );
            }
            None => debug!(
                command,
                key, method, principal, port, tls, "{command} succeeded"
            ),
            Some(error) if changed => {
                warn!(
                    command,
                    key,
                    method,
                    principal,
                    port,
                    tls,
                    ?error,
                    "{command} failed"
                );
            }
            Some(error) => {
                debug!(
                    command,
                    key,
                    method,
                    principal,
                    port,
                    tls,
                    ?error,
                    "{command} failed"
                );
            }
        }
    }
}
