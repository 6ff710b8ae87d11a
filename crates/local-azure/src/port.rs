//! Ports.

use anyhow::Result;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};

/// How long a port may be somebody else's, as the end of a connection that is about to close.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often to try.
const PAUSE: Duration = Duration::from_millis(20);

/// Where nobody listens (tcpmux, RFC 1078): who connects is refused, also while other tests run.
pub const NOBODY: u16 = 1;

/// Takes a port that was given back a moment ago. In the meantime the system may have lent it to an
/// outgoing connection.
pub fn take_again<T>(mut take: impl FnMut() -> Result<T>) -> Result<T> {
    let until = Instant::now() + PATIENCE;
    loop {
        match take() {
            Err(_) if Instant::now() < until => std::thread::sleep(PAUSE),
            taken => return taken,
        }
    }
}

/// Whether a port on loopback is free.
pub fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// A port on loopback that is free now. Somebody else may take it before it is used; whoever
/// starts a server on it has to be ready to try another.
pub fn any_free() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port())
}
