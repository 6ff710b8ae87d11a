//! What a row happens to: a cache, what is between it and the app, and the app's configuration.

use crate::fixtures::application::Application as EntraApplication;
use crate::fixtures::spin_host::Application;
use crate::fixtures::{Azure, Check, HOUR};
use cache_health_local_azure::black_hole::BlackHole;
use cache_health_local_azure::certificates::{Authority, Chain, Leaf};
use cache_health_local_azure::dns::{NameServer, Zone};
use cache_health_local_azure::identity::IdentityEndpoint;
use cache_health_local_azure::issuer::{Proof, TokenEndpoint};
use cache_health_local_azure::proxy::Proxy;
use cache_health_local_azure::redis::RedisOptions;
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// The deadline of the checks.
pub const DEADLINE: Duration = Duration::from_millis(1500);
/// The sampling period. Each fault has to be over, in the verdict, two of them after its end.
pub const INTERVAL: Duration = Duration::from_secs(5);

pub struct Scene {
    pub authority: Authority,
    pub azure: Azure,
    pub proxy: Proxy,
    pub environment: BTreeMap<&'static str, String>,
    /// One administrator's connection that is held open, where a row needs one.
    pub administrator: Option<UnixStream>,
    /// The identity endpoint in place of the first, where a row needs one.
    pub identity: Option<IdentityEndpoint>,
    /// Entra's token endpoint, where a row needs one.
    pub entra: Option<EntraApplication>,
    pub black_hole: Option<BlackHole>,
    pub name_server: Option<NameServer>,
    /// A folder with the `resolv.conf` that the program is to see.
    pub resolver: Option<tempfile::TempDir>,
}

impl Scene {
    /// Everything works, over the proxy.
    pub fn new() -> Self {
        let authority = Authority::new("test CA").expect("a CA");
        let chain = issue(&authority, &Leaf::default());
        let azure = Azure::with_chain(authority.pem(), chain, allow_everything);
        let proxy = azure.proxy();
        let environment = BTreeMap::from([
            ("REDIS_HOST", "localhost".to_owned()),
            ("REDIS_PORT", proxy.port().to_string()),
            ("REDIS_AUTH", "entra".to_owned()),
            ("IDENTITY_ENDPOINT", azure.identity.url()),
            ("IDENTITY_HEADER", azure.identity.header.clone()),
            ("CACHE_HEALTH_TIMEOUT", "1500ms".to_owned()),
            ("CACHE_HEALTH_INTERVAL", "5s".to_owned()),
        ]);
        Self {
            authority,
            azure,
            proxy,
            environment,
            administrator: None,
            identity: None,
            entra: None,
            black_hole: None,
            name_server: None,
            resolver: None,
        }
    }

    /// Straight to the real server, whose own TLS it is about.
    pub fn without_proxy(&mut self) {
        let port = self.azure.redis.port().to_string();
        self.environment.insert("REDIS_PORT", port);
    }

    /// The real server again, with these options.
    pub fn start_over(&mut self, change: impl FnOnce(&mut RedisOptions)) {
        self.azure.redis.kill().expect("killed");
        self.azure.redis.restart(change).expect("started again");
        self.proxy = self.azure.proxy();
        let port = self.proxy.port().to_string();
        self.environment.insert("REDIS_PORT", port);
    }

    /// Presents another certificate, and ends the connections made with the one before.
    pub fn present(&mut self, chain: &Chain) {
        self.azure.redis.present(chain).expect("CONFIG SET");
        self.end_connections();
    }

    /// A certificate for other names, on the proxy as well.
    pub fn certify(&mut self, leaf: &Leaf) {
        let chain = self.issue(leaf);
        self.proxy = Proxy::start(&chain, self.azure.redis.administrator().socket).expect("one");
        let port = self.proxy.port().to_string();
        self.environment.insert("REDIS_PORT", port);
    }

    /// A certificate of this scene's authority.
    pub fn issue(&self, leaf: &Leaf) -> Chain {
        issue(&self.authority, leaf)
    }

    pub fn redis(&self, words: &[&str]) -> String {
        self.azure.redis.command(words).expect("redis-cli")
    }

    /// `ACL SETUSER` of the identity.
    pub fn acl(&self, rule: &str) {
        self.redis(&["ACL", "SETUSER", &self.azure.object_id, rule]);
    }

    pub fn end_connections(&self) {
        self.redis(&["CLIENT", "KILL", "USER", &self.azure.object_id]);
    }

    /// Runs a command on the one administrator's connection that is held open.
    pub fn hold(&mut self, command: &str) {
        let socket = self.azure.redis.administrator().socket;
        let stream = self.administrator.get_or_insert_with(|| {
            let mut stream = UnixStream::connect(socket).expect("connected");
            ask(&mut stream, "AUTH admin admin");
            stream
        });
        ask(stream, command);
    }

    /// A service principal in place of the managed identity.
    pub fn service_principal(&mut self, secret: &str) {
        let proof = Proof::Secret(secret.to_owned());
        let application = EntraApplication::register(&self.azure, proof, HOUR);
        self.environment.remove("IDENTITY_ENDPOINT");
        self.environment.remove("IDENTITY_HEADER");
        self.environment
            .extend(application.environment(&self.azure));
        self.environment
            .insert("AZURE_CLIENT_SECRET", secret.to_owned());
        self.entra = Some(application);
    }

    /// Entra's token endpoint.
    pub fn entra(&self) -> &TokenEndpoint {
        &self.entra.as_ref().expect("one").endpoint
    }

    /// The address that the program connects to.
    pub fn address(&self, host: Ipv4Addr) -> SocketAddr {
        SocketAddrV4::new(host, self.proxy.port()).into()
    }

    /// A name server for this scene alone, and a name that only it knows.
    pub fn resolve_with(&mut self, address: Ipv4Addr, zone: Zone) {
        let server = NameServer::start((address, 53).into(), zone).expect("port 53, as root");
        let folder = tempfile::tempdir().expect("a folder");
        let text = format!("nameserver {address}\noptions timeout:10 attempts:1\n");
        std::fs::write(folder.path().join("resolv.conf"), text).expect("written");
        self.name_server = Some(server);
        self.resolver = Some(folder);
        self.environment.insert("REDIS_HOST", NAME.to_owned());
    }

    pub fn zone(&self, zone: Zone) {
        self.name_server.as_ref().expect("one").serve(zone);
    }

    pub fn check(&self) -> Check {
        let ca_file = self.azure.redis.ca_file().display().to_string();
        let mut check = Check::of("localhost", 0)
            .env("REDIS_CA_FILE", ca_file)
            .secret(&self.azure.access_key)
            .secret(&self.azure.token.text)
            .secret(&self.azure.identity.header);
        for (name, value) in &self.environment {
            check = check.env(name, value);
        }
        match &self.resolver {
            Some(folder) => check.with_resolver(&folder.path().join("resolv.conf")),
            None => check,
        }
    }

    pub fn application(&self) -> Application {
        let mut application = Application::of(&self.environment, self.azure.redis.ca_file());
        application.has_an_operator();
        application
    }
}

/// The name that name servers of scenes know; the certificates are for it as well.
pub const NAME: &str = "cache.test";

fn issue(authority: &Authority, leaf: &Leaf) -> Chain {
    authority.issue(leaf).expect("a certificate")
}

/// What rows do to the server has to be possible at run time.
fn allow_everything(options: &mut RedisOptions) {
    options.config.extend([
        "enable-debug-command yes".to_owned(),
        "enable-protected-configs yes".to_owned(),
    ]);
}

fn ask(stream: &mut UnixStream, command: &str) {
    stream.set_read_timeout(Some(DEADLINE)).expect("a time-out");
    stream
        .write_all(format!("{command}\r\n").as_bytes())
        .expect("sent");
    let mut reply = [0; 256];
    let length = stream.read(&mut reply).expect("a reply");
    let reply = String::from_utf8_lossy(&reply[..length]);
    assert!(!reply.starts_with('-'), "{command}: {reply}");
}
