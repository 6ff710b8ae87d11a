//! A port that swallows packets: its queue of connections is full, so that the kernel drops what
//! asks for another (Linux).

use crate::port;
use anyhow::{Context as _, Result};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket};

/// The shortest queue there is; the kernel takes one more than it says.
const QUEUE: u32 = 1;
/// How long a connection may take that only fills the queue.
const FILLING: Duration = Duration::from_millis(100);
/// More than ever fit.
const MOST: usize = 16;

/// A port that answers nobody; released when dropped.
pub struct BlackHole {
    _runtime: tokio::runtime::Runtime,
    _listener: TcpListener,
    _waiting: Vec<TcpStream>,
}

impl BlackHole {
    /// Opens one at this address.
    pub fn open(address: SocketAddr) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()?;
        let listener = port::take_again(|| {
            let _guard = runtime.enter();
            let socket = TcpSocket::new_v4()?;
            socket.set_reuseaddr(true)?;
            socket.bind(address)?;
            Ok(socket.listen(QUEUE)?)
        })?;
        let mut waiting = Vec::new();
        loop {
            match TcpStream::connect_timeout(&address, FILLING) {
                Ok(stream) => waiting.push(stream),
                Err(_) => break,
            }
            (waiting.len() < MOST)
                .then_some(())
                .context("the queue of connections does not fill")?;
        }
        Ok(Self {
            _runtime: runtime,
            _listener: listener,
            _waiting: waiting,
        })
    }
}
