//! The lines that the recipe's verification asks for.

use crate::cache::pool::Cache;
use crate::cache::{CacheError, Connection, Origin};
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
            let mut entries = self.lock();
            // A round trip is working once its GET is, and broken with either command.
            let settles = command == "GET" || !working;
            let changed = entries.working != Some(working);
            if settles {
                entries.working = Some(working);
            }
            changed
        };
        let owner = &connection.owner;
        let (key, port) = (&self.key, self.endpoint.port);
        let (method, principal) = (owner.method, &owner.principal);
        let tls = connection.observed.tls.as_ref();
        let tls = tls.map_or("none", |tls| tls.protocol.as_str());
        macro_rules! line {
            ($level:ident, $said:literal $(, $error:ident)?) => {
                $level!(command, key, method, principal, port, tls, $(?$error,)? $said)
            };
        }
        match error {
            None if changed || connection.origin != Origin::Kept => {
                line!(info, "{command} succeeded")
            }
            None => line!(debug, "{command} succeeded"),
            Some(error) if changed => line!(warn, "{command} failed", error),
            Some(error) => line!(debug, "{command} failed", error),
        }
    }
}
