//! What is between an app and its cache: a proxy that ends TLS in front of a real redis-server,
//! reads the commands that pass, and does to them what networks and Azure do.
//!
//! Azure closes a connection when the token it was authenticated with ends, and refuses one that
//! has ended; plain Redis does neither, so [`Proxy`] always does.

use crate::certificates::Chain;
use crate::listener::{Listener, acceptor};
use crate::resp::{Command, Commands};
use crate::token;
use anyhow::Result;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsAcceptor;

/// How long the real server may take to take a connection.
const BACKEND_LIMIT: Duration = Duration::from_secs(5);
/// The pause between two bytes of a reply that drips.
const DRIP: Duration = Duration::from_millis(5);
/// How much is read at once.
const BLOCK: usize = 16 * 1024;

/// What happens to a command.
#[derive(Clone, Debug)]
pub enum Action {
    /// It is passed on.
    Forward,
    /// It is passed on after this long.
    Delay(Duration),
    /// It is passed on, and all replies come back one byte at a time.
    Drip,
    /// It is answered with these bytes, and never reaches the server.
    Answer(Vec<u8>),
    /// It is answered with a string of this many bytes.
    Flood(usize),
    /// It is passed on, and the connection is reset.
    Reset,
    /// It is lost, like everything after it, without a word.
    Silence,
}

/// What meets a client that connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Welcome {
    /// A TLS handshake.
    Tls,
    /// A TLS handshake that begins after this long.
    Late(Duration),
    /// Silence.
    Silence,
    /// The first bytes of a handshake, then the end.
    Truncated,
    /// The greeting of a server that speaks no TLS.
    Plaintext,
}

type Judge = Arc<dyn Fn(&Command) -> Action + Send + Sync>;

/// A proxy that runs; its connections are closed when it is dropped.
pub struct Proxy {
    port: u16,
    listener: Option<Listener>,
    shared: Arc<Shared>,
}

struct Shared {
    backend: PathBuf,
    acceptor: TlsAcceptor,
    behaviour: Mutex<(Welcome, Judge)>,
    accepted: AtomicUsize,
    expired: AtomicUsize,
    authenticated: AtomicUsize,
}

impl Proxy {
    /// Starts a proxy on any port of loopback, in front of a server's Unix socket.
    pub fn start(chain: &Chain, backend: PathBuf) -> Result<Self> {
        let shared = Arc::new(Shared {
            backend,
            acceptor: acceptor(chain)?,
            behaviour: Mutex::new((Welcome::Tls, Arc::new(|_: &Command| Action::Forward))),
            accepted: AtomicUsize::new(0),
            expired: AtomicUsize::new(0),
            authenticated: AtomicUsize::new(0),
        });
        let listener = listen(0, &shared)?;
        Ok(Self {
            port: listener.address().port(),
            listener: Some(listener),
            shared,
        })
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Does this to each command from now on, also on connections that are open.
    pub fn on_command(&self, judge: impl Fn(&Command) -> Action + Send + Sync + 'static) {
        self.shared.behaviour().1 = Arc::new(judge);
    }

    /// Meets those who connect from now on like this.
    pub fn welcome(&self, welcome: Welcome) {
        self.shared.behaviour().0 = welcome;
    }

    /// Closes every connection and listens no more: who connects is refused.
    pub fn refuse(&mut self) {
        self.listener = None;
    }

    /// Forwards everything again.
    pub fn heal(&mut self) -> Result<()> {
        self.welcome(Welcome::Tls);
        self.on_command(|_| Action::Forward);
        if self.listener.is_none() {
            self.listener = Some(listen(self.port, &self.shared)?);
        }
        Ok(())
    }

    /// How many connections there were.
    pub fn accepted(&self) -> usize {
        self.shared.accepted.load(Ordering::SeqCst)
    }

    /// How many `AUTH` were passed on.
    pub fn authenticated(&self) -> usize {
        self.shared.authenticated.load(Ordering::SeqCst)
    }

    /// How many of them were closed because their token had ended.
    pub fn expired(&self) -> usize {
        self.shared.expired.load(Ordering::SeqCst)
    }
}

impl Shared {
    fn behaviour(&self) -> std::sync::MutexGuard<'_, (Welcome, Judge)> {
        self.behaviour
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn listen(port: u16, shared: &Arc<Shared>) -> Result<Listener> {
    let shared = Arc::clone(shared);
    Listener::start(port, move |stream| {
        Box::pin(meet(stream, Arc::clone(&shared)))
    })
}

async fn meet(mut stream: TcpStream, shared: Arc<Shared>) -> Result<()> {
    let number = shared.accepted.fetch_add(1, Ordering::SeqCst) + 1;
    stream.set_nodelay(true)?;
    let welcome = shared.behaviour().0;
    if let Welcome::Late(pause) = welcome {
        tokio::time::sleep(pause).await;
    }
    match welcome {
        Welcome::Tls | Welcome::Late(_) => {
            let client = shared.acceptor.accept(stream).await?;
            let backend = UnixStream::connect(&shared.backend);
            let backend = tokio::time::timeout(BACKEND_LIMIT, backend).await??;
            Relay::new(client, backend, shared, number).run().await
        }
        // Held until the proxy ends or the client has had enough.
        Welcome::Silence => {
            let mut block = [0; 64];
            while stream.read(&mut block).await? > 0 {}
            Ok(())
        }
        Welcome::Truncated => {
            let mut block = [0; 64];
            let _ = stream.read(&mut block).await?;
            // The head of a ServerHello that announces more than comes.
            Ok(stream.write_all(&[22, 3, 3, 0, 122, 2, 0, 0]).await?)
        }
        Welcome::Plaintext => {
            let mut block = [0; 64];
            let _ = stream.read(&mut block).await?;
            Ok(stream.write_all(b"-ERR unknown command\r\n").await?)
        }
    }
}

/// One connection, in both directions.
struct Relay<C> {
    client: C,
    backend: UnixStream,
    shared: Arc<Shared>,
    commands: Commands,
    /// When the token ends that it was authenticated with.
    expires_at: Option<i64>,
    drips: bool,
}

impl<C: AsyncRead + AsyncWrite + Unpin + AsTcp> Relay<C> {
    fn new(client: C, backend: UnixStream, shared: Arc<Shared>, number: usize) -> Self {
        Self {
            client,
            backend,
            shared,
            commands: Commands::of(number),
            expires_at: None,
            drips: false,
        }
    }

    async fn run(mut self) -> Result<()> {
        let (mut from_client, mut from_backend) = (vec![0; BLOCK], vec![0; BLOCK]);
        loop {
            tokio::select! {
                read = self.client.read(&mut from_client) => {
                    let read = read?;
                    if read == 0 {
                        return Ok(());
                    }
                    self.commands.push(&from_client[..read]);
                    while let Some(command) = self.commands.next() {
                        if !self.pass_on(&command).await? {
                            return Ok(());
                        }
                    }
                }
                read = self.backend.read(&mut from_backend) => {
                    let read = read?;
                    if read == 0 {
                        return Ok(self.client.shutdown().await?);
                    }
                    self.reply(&from_backend[..read]).await?;
                }
                () = ended(self.expires_at) => {
                    self.shared.expired.fetch_add(1, Ordering::SeqCst);
                    return Ok(self.client.shutdown().await?);
                }
            }
        }
    }

    /// Whether the connection lives on.
    async fn pass_on(&mut self, command: &Command) -> Result<bool> {
        if command.is("AUTH")
            && let Some(end) = command.words.last().and_then(|word| token::end_of(word))
        {
            if end <= token::now() {
                self.reply(b"-WRONGPASS invalid username-password pair\r\n")
                    .await?;
                return Ok(true);
            }
            self.expires_at = Some(end);
        }
        let judge = Arc::clone(&self.shared.behaviour().1);
        // It may run commands of its own and wait for them.
        let (judged, given) = (judge, command.clone());
        let action = tokio::task::spawn_blocking(move || judged(&given)).await?;
        match action {
            Action::Forward => {}
            Action::Delay(pause) => tokio::time::sleep(pause).await,
            Action::Drip => self.drips = true,
            Action::Answer(bytes) => {
                self.reply(&bytes).await?;
                return Ok(true);
            }
            Action::Flood(length) => {
                self.reply(format!("${length}\r\n").as_bytes()).await?;
                let block = vec![b'x'; BLOCK];
                for _ in 0..length / BLOCK {
                    self.reply(&block).await?;
                }
                return Ok(true);
            }
            Action::Reset => {
                self.backend.write_all(&command.bytes).await?;
                self.client.tcp().set_zero_linger()?;
                return Ok(false);
            }
            Action::Silence => std::future::pending::<()>().await,
        }
        self.backend.write_all(&command.bytes).await?;
        if command.is("AUTH") {
            self.shared.authenticated.fetch_add(1, Ordering::SeqCst);
        }
        Ok(true)
    }

    async fn reply(&mut self, bytes: &[u8]) -> Result<()> {
        if !self.drips {
            self.client.write_all(bytes).await?;
            return Ok(self.client.flush().await?);
        }
        for byte in bytes {
            self.client.write_all(&[*byte]).await?;
            self.client.flush().await?;
            tokio::time::sleep(DRIP).await;
        }
        Ok(())
    }
}

/// The socket below TLS.
trait AsTcp {
    fn tcp(&self) -> &TcpStream;
}

impl AsTcp for tokio_rustls::server::TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// Returns once a token has ended.
async fn ended(expires_at: Option<i64>) {
    match expires_at {
        Some(end) => {
            let left = u64::try_from(end.saturating_sub(token::now())).unwrap_or(0);
            tokio::time::sleep(Duration::from_secs(left)).await;
        }
        None => std::future::pending().await,
    }
}
