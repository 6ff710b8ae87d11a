//! A proxy that programs reach the outside through: `CONNECT` (RFC 9110, 9.3.6), with Basic authentication.

use crate::listener::Listener;
use anyhow::{Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The longest request that is read, in bytes.
const MAX_REQUEST: usize = 8 * 1024;

/// A proxy that runs; stopped when dropped.
pub struct ConnectProxy {
    listener: Listener,
    tunnels: Arc<AtomicU64>,
}

impl ConnectProxy {
    /// Starts one for whoever knows this user and password.
    pub fn start(user: &str, password: &str) -> Result<Self> {
        let credentials = STANDARD.encode(format!("{user}:{password}"));
        let wanted = format!(
            "proxy-authorization: basic {}",
            credentials.to_ascii_lowercase()
        );
        let tunnels = Arc::<AtomicU64>::default();
        let counted = Arc::clone(&tunnels);
        let listener = Listener::start(0, move |stream| {
            let (wanted, counted) = (wanted.clone(), Arc::clone(&counted));
            Box::pin(async move { tunnel(stream, &wanted, &counted).await })
        })?;
        Ok(Self { listener, tunnels })
    }

    /// Where it listens, `host:port`.
    pub fn address(&self) -> String {
        self.listener.address().to_string()
    }

    /// How many tunnels there were.
    pub fn tunnels(&self) -> u64 {
        self.tunnels.load(Ordering::SeqCst)
    }
}

async fn tunnel(mut client: TcpStream, wanted: &str, tunnels: &AtomicU64) -> Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        if request.len() == MAX_REQUEST {
            bail!("the request is too long");
        }
        request.push(client.read_u8().await?);
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let mut words = request.split(' ');
    let (method, target) = (words.next(), words.next().unwrap_or_default());
    if method != Some("CONNECT") {
        client
            .write_all(b"HTTP/1.1 405 Method Not Allowed\r\n\r\n")
            .await?;
        return Ok(());
    }
    if !request
        .lines()
        .any(|line| line.to_ascii_lowercase() == wanted)
    {
        let refusal =
            b"HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic\r\n\r\n";
        client.write_all(refusal).await?;
        return Ok(());
    }
    let mut server = TcpStream::connect(target).await?;
    tunnels.fetch_add(1, Ordering::SeqCst);
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
    tokio::io::copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}
