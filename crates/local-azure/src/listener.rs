//! A TCP listener on a thread of its own, for what stands in front of a real server.

use crate::certificates::Chain;
use crate::port;
use anyhow::{Context as _, Result};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

/// What is done with a connection.
pub type Handled = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

/// A listener on loopback; stopped, and its connections closed, when dropped.
pub struct Listener {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    /// Starts to listen on this port, 0 for any.
    pub fn start(
        port: u16,
        handle: impl Fn(TcpStream) -> Handled + Send + 'static,
    ) -> Result<Self> {
        let listener =
            port::take_again(|| Ok(std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port))?))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("no runtime for a listener")?;
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = accept(listener, handle) => {}
                    _ = stopped => {}
                }
            });
        });
        Ok(Self {
            address,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn accept(listener: std::net::TcpListener, handle: impl Fn(TcpStream) -> Handled) {
    let Ok(listener) = TcpListener::from_std(listener) else {
        return;
    };
    while let Ok((stream, _)) = listener.accept().await {
        let handled = handle(stream);
        // A client that goes away is no concern of the listener's.
        tokio::spawn(async move { drop(handled.await) });
    }
}

/// TLS as a server with this certificate.
pub fn acceptor(chain: &Chain) -> Result<TlsAcceptor> {
    let certificates =
        CertificateDer::pem_slice_iter(chain.certificate.as_bytes()).collect::<Result<_, _>>();
    let key = PrivateKeyDer::from_pem_slice(chain.key.as_bytes());
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(certificates?, key?)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
