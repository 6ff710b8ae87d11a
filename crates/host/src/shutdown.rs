//! The signals that end the process.

use std::future::pending;
use tokio::signal::unix::{SignalKind, signal as listen};

/// SIGTERM, which container platforms send, or SIGINT, which Ctrl-C sends.
///
/// Listens from the moment it is called, not from when it is first polled.
pub fn signal() -> impl Future<Output = ()> {
    let mut terminate = listen(SignalKind::terminate());
    let mut interrupt = listen(SignalKind::interrupt());
    async move {
        let terminated = async {
            match &mut terminate {
                Ok(signal) => signal.recv().await,
                // Without the signal the process still ends by its default action.
                Err(_) => pending().await,
            }
        };
        let interrupted = async {
            match &mut interrupt {
                Ok(signal) => signal.recv().await,
                Err(_) => pending().await,
            }
        };
        tokio::select! {
            _ = terminated => {}
            _ = interrupted => {}
        }
    }
}
