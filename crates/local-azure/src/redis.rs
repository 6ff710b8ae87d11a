//! A real redis-server over TLS.

use crate::certificates::Chain;
use crate::port;
use anyhow::{Context as _, Result, bail, ensure};
use std::fmt::Write as _;
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long the server may take to start.
const START_LIMIT: Duration = Duration::from_secs(10);
/// How often to look whether it has.
const LOOK: Duration = Duration::from_millis(5);
/// How many ports to try when somebody else is quicker.
const TRIES: u32 = 5;

/// How to start a server.
#[derive(Clone, Debug)]
pub struct RedisOptions {
    /// The TLS port, 0 for any.
    pub port: u16,
    /// Whether it is a node of a cluster. Then it has a port for the cluster's bus, too.
    pub cluster: bool,
    /// The server's certificate.
    pub chain: Chain,
    /// The authority that clients are to trust, as PEM.
    pub ca_pem: String,
    /// The password of the user `default`.
    pub access_key: String,
    /// Further users, each a line of `ACL SETUSER` arguments.
    pub users: Vec<String>,
    /// Further lines of `redis.conf`.
    pub config: Vec<String>,
}

impl Default for RedisOptions {
    fn default() -> Self {
        Self {
            port: 0,
            cluster: false,
            chain: Chain {
                certificate: String::new(),
                key: String::new(),
            },
            ca_pem: String::new(),
            access_key: String::new(),
            users: Vec::new(),
            config: Vec::new(),
        }
    }
}

/// A server that runs; stopped, and its files removed, when dropped.
pub struct RedisServer {
    options: RedisOptions,
    port: u16,
    folder: TempDir,
    process: Child,
    asked: Arc<AtomicU64>,
}

impl RedisServer {
    /// Starts a server and waits until it answers.
    pub fn start(options: RedisOptions) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("cache-health-").tempdir()?;
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700))?;
        std::fs::write(folder.path().join("ca.pem"), &options.ca_pem)?;
        for _ in 0..TRIES {
            let port = match options.port {
                0 => port::any_free()?,
                port => port,
            };
            let mut process = launch(folder.path(), port, &options)?;
            if wait_until_up(folder.path(), port, &mut process)? {
                return Ok(Self {
                    options,
                    port,
                    folder,
                    process,
                    asked: Arc::default(),
                });
            }
            let _ = process.wait();
        }
        let log = std::fs::read_to_string(folder.path().join("redis.log")).unwrap_or_default();
        bail!("redis-server does not start; its log:\n{log}")
    }

    /// The TLS port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The file with the authority that clients are to trust.
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// The folder it works in.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Where an administrator gets in, past TLS and the network.
    pub fn administrator(&self) -> Administrator {
        Administrator {
            socket: socket(self.folder.path()),
            asked: Arc::clone(&self.asked),
        }
    }

    /// Runs a command as an administrator.
    pub fn command(&self, words: &[&str]) -> Result<String> {
        self.administrator().command(words)
    }

    /// How many connections the administrators have made; each command is one.
    pub fn commands_over_the_socket(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    /// How often a command was called, by all clients.
    pub fn calls(&self, command: &str) -> Result<u64> {
        let stats = self.command(&["INFO", "commandstats"])?;
        let prefix = format!("cmdstat_{command}:calls=");
        let calls = stats
            .lines()
            .find_map(|line| line.strip_prefix(&prefix))
            .and_then(|rest| rest.split(',').next());
        Ok(calls.map_or(Ok(0), str::parse)?)
    }

    /// Presents this certificate to those who connect from now on; what is open stays open.
    pub fn present(&mut self, chain: &Chain) -> Result<()> {
        let file = |name: &str| self.folder.path().join(name);
        let (certificate, key) = (file("renewed.pem"), file("renewed.key"));
        std::fs::write(&certificate, &chain.certificate)?;
        std::fs::write(&key, &chain.key)?;
        let (certificate, key) = (certificate.display().to_string(), key.display().to_string());
        let words = [
            "CONFIG",
            "SET",
            "tls-cert-file",
            &certificate,
            "tls-key-file",
            &key,
        ];
        self.command(&words).map(drop)
    }

    /// Stops the process as if it hung: it takes connections and answers nothing.
    pub fn hang(&self) -> Result<()> {
        self.signal("STOP")
    }

    /// Lets it go on.
    pub fn resume(&self) -> Result<()> {
        self.signal("CONT")
    }

    /// Kills the server.
    pub fn kill(&mut self) -> Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }

    /// Starts it again on the same port after it was killed, with other options if given.
    pub fn restart(&mut self, change: impl FnOnce(&mut RedisOptions)) -> Result<()> {
        change(&mut self.options);
        std::fs::write(self.folder.path().join("ca.pem"), &self.options.ca_pem)?;
        let _ = std::fs::remove_file(socket(self.folder.path()));
        self.process = port::take_again(|| {
            let mut process = launch(self.folder.path(), self.port, &self.options)?;
            ensure!(
                wait_until_up(self.folder.path(), self.port, &mut process)?,
                "redis-server does not start again"
            );
            Ok(process)
        })?;
        Ok(())
    }

    fn signal(&self, name: &str) -> Result<()> {
        let status = Command::new("kill")
            .args([&format!("-{name}"), &self.process.id().to_string()])
            .status()?;
        ensure!(status.success(), "kill -{name} failed");
        Ok(())
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // A hung one dies of this as well.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Somebody with all rights on a server.
#[derive(Clone, Debug)]
pub struct Administrator {
    /// The server's Unix socket.
    pub socket: PathBuf,
    asked: Arc<AtomicU64>,
}

impl Administrator {
    /// Runs a command.
    pub fn command(&self, words: &[&str]) -> Result<String> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let output = Command::new("redis-cli")
            .arg("-s")
            .arg(&self.socket)
            .args(["--user", "admin", "--pass", "admin", "--no-auth-warning"])
            .args(words)
            .output()
            .context("redis-cli cannot be run")?;
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        ensure!(output.status.success(), "redis-cli failed: {text}");
        Ok(text)
    }
}

/// Why there can be no server on this machine, if so.
pub fn missing() -> Option<&'static str> {
    let found = Command::new("redis-server")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    (!found).then_some("redis-server is missing: apt-get install redis-server")
}

fn launch(folder: &Path, port: u16, options: &RedisOptions) -> Result<Child> {
    std::fs::write(folder.join("server.pem"), &options.chain.certificate)?;
    std::fs::write(folder.join("server.key"), &options.chain.key)?;
    let config = folder.join("redis.conf");
    std::fs::write(&config, configuration(folder, port, options)?)?;
    Command::new("redis-server")
        .arg(&config)
        .current_dir(folder)
        // Ctrl-C is for whoever started it: the server is stopped when that is done with it.
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("redis-server cannot be run")
}

fn configuration(folder: &Path, port: u16, options: &RedisOptions) -> Result<String> {
    let dir = folder.display();
    let mut text = format!(
        "bind 127.0.0.1\nport 0\ntls-port {port}\ntls-cert-file {dir}/server.pem\n\
         tls-key-file {dir}/server.key\ntls-ca-cert-file {dir}/ca.pem\ntls-auth-clients no\n\
         unixsocket {dir}/redis.sock\nsave \"\"\nappendonly no\ndir {dir}\n\
         logfile {dir}/redis.log\nuser admin on >admin ~* &* +@all\n"
    );
    if options.access_key.is_empty() {
        writeln!(text, "user default off")?;
    } else {
        writeln!(text, "user default on >{} ~* &* +@all", options.access_key)?;
    }
    for user in &options.users {
        writeln!(text, "user {user}")?;
    }
    if options.cluster {
        // Without a bus port of its own it takes the port plus 10000, which may be past the last one.
        let bus = port::any_free()?;
        writeln!(
            text,
            "cluster-enabled yes\ntls-cluster yes\ncluster-port {bus}"
        )?;
    }
    for line in &options.config {
        writeln!(text, "{line}")?;
    }
    Ok(text)
}

/// Whether it came up, rather than ended (because a port was taken). It is up when its port takes connections
/// as well as its socket: in cluster mode the one comes long after the other, or never.
fn wait_until_up(folder: &Path, port: u16, process: &mut Child) -> Result<bool> {
    let until = Instant::now() + START_LIMIT;
    while Instant::now() < until {
        if process.try_wait()?.is_some() {
            return Ok(false);
        }
        let takes = || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok();
        if UnixStream::connect(socket(folder)).is_ok() && takes() {
            return Ok(true);
        }
        std::thread::sleep(LOOK);
    }
    let log = std::fs::read_to_string(folder.join("redis.log")).unwrap_or_default();
    bail!("redis-server does not answer within {START_LIMIT:?}; its log:\n{log}")
}

fn socket(folder: &Path) -> PathBuf {
    folder.join("redis.sock")
}
