//! Ports.

use std::io;
use std::net::{Ipv4Addr, TcpListener};

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
