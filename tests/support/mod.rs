//! What the tests of the real program share: an Azure of real parts, and one run of the program.

#![allow(dead_code, reason = "each test file uses its part")]

pub mod document;
pub mod server;

use cache_health_local_azure::certificates::{Authority, Chain, Leaf};
use cache_health_local_azure::identity::{Behaviour, IdentityEndpoint};
use cache_health_local_azure::proxy::Proxy;
use cache_health_local_azure::redis::{RedisOptions, RedisServer};
use cache_health_local_azure::token::{self, Token};
use cache_health_report::{Document, Kind, Status, Step};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long the tokens of most tests live, in seconds.
pub const HOUR: i64 = 3600;

/// A cache with an access key and one identity that may do everything.
pub struct Azure {
    pub redis: RedisServer,
    pub access_key: String,
    pub object_id: String,
    pub token: Token,
    pub identity: IdentityEndpoint,
    pub chain: Chain,
}

impl Azure {
    pub fn start() -> Self {
        Self::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut RedisOptions)) -> Self {
        let authority = Authority::new("test CA").expect("a CA");
        let chain = authority.issue(&Leaf::default()).expect("a certificate");
        Self::with_chain(authority.pem(), chain, change)
    }

    pub fn with_leaf(leaf: &Leaf) -> Self {
        let authority = Authority::new("test CA").expect("a CA");
        let chain = authority.issue(leaf).expect("a certificate");
        Self::with_chain(authority.pem(), chain, |_| {})
    }

    pub fn with_chain(
        ca_pem: String,
        chain: Chain,
        change: impl FnOnce(&mut RedisOptions),
    ) -> Self {
        let object_id = token::object_id();
        let token = Token::mint(&object_id, HOUR);
        let access_key = token::access_key();
        let mut options = RedisOptions {
            chain: chain.clone(),
            ca_pem,
            access_key: access_key.clone(),
            users: vec![format!("{object_id} on >{} ~* &* +@all", token.text)],
            ..RedisOptions::default()
        };
        change(&mut options);
        let redis = RedisServer::start(options).expect("redis-server, from apt-get install");
        let identity = IdentityEndpoint::start(Behaviour::Token(token.clone())).expect("endpoint");
        Self {
            redis,
            access_key,
            object_id,
            token,
            identity,
            chain,
        }
    }

    /// A proxy before the cache that ends connections with their tokens, as Azure does.
    pub fn proxy(&self) -> Proxy {
        Proxy::start(&self.chain, self.redis.administrator().socket).expect("a proxy")
    }

    /// How many connections the cache has had over TLS.
    pub fn connections(&self) -> u64 {
        let info = self.redis.command(&["INFO", "stats"]).expect("redis-cli");
        let line = info
            .lines()
            .find_map(|line| line.strip_prefix("total_connections_received:"));
        let all: u64 = line.and_then(|n| n.trim().parse().ok()).expect("a number");
        // redis-cli's own came over the socket.
        all - self.redis.commands_over_the_socket()
    }

    /// From now on the identity endpoint issues a new token with each request, which lives this
    /// many seconds.
    pub fn issue_tokens_of(&self, life: i64) {
        let issue = self.issuer(life);
        self.identity.behave(Behaviour::issue(move || issue()));
    }

    /// Makes tokens for the identity that live this many seconds, and tells Redis of each.
    pub fn issuer(&self, life: i64) -> Arc<dyn Fn() -> Token + Send + Sync> {
        let (administrator, object_id) = (self.redis.administrator(), self.object_id.clone());
        Arc::new(move || {
            let token = Token::mint(&object_id, life);
            let password = format!(">{}", token.text);
            administrator
                .command(&["ACL", "SETUSER", &object_id, &password])
                .expect("redis-cli");
            token
        })
    }

    /// A check of this cache with neither credential.
    pub fn check(&self) -> Check {
        Check::of("localhost", self.redis.port())
            .env("REDIS_CA_FILE", self.redis.ca_file().display().to_string())
            .secret(&self.access_key)
            .secret(&self.token.text)
            .secret(&self.identity.header)
    }

    /// A check of this cache with the identity.
    pub fn check_entra(&self) -> Check {
        self.check().identity(&self.identity)
    }

    /// A check of this cache with the identity and the key.
    pub fn check_both(&self) -> Check {
        self.check_entra().env("REDIS_ACCESS_KEY", &self.access_key)
    }

    /// A check of this cache with the key alone, which is meant.
    pub fn check_key(&self) -> Check {
        self.check()
            .env("REDIS_ACCESS_KEY", &self.access_key)
            .env("REDIS_AUTH", "access-key")
    }
}

/// One run of `cache-health check --format json`, with logs at their most talkative.
pub struct Check {
    environment: BTreeMap<String, String>,
    secrets: Vec<String>,
    resolver: Option<PathBuf>,
}

impl Check {
    pub fn of(host: &str, port: u16) -> Self {
        Self {
            environment: BTreeMap::new(),
            secrets: Vec::new(),
            resolver: None,
        }
        .env("REDIS_HOST", host)
        .env("REDIS_PORT", port.to_string())
        .env("RUST_LOG", "trace")
        // What callers may cause is what tests of that are about; the others ask as often as they like.
        .env("CACHE_HEALTH_MAX_CONNECTIONS_PER_SECOND", "1000")
        .env("CACHE_HEALTH_MAX_CHECKS_PER_SECOND", "100000")
    }

    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.insert(name.to_owned(), value.into());
        self
    }

    /// With the bounds that users have.
    pub fn bounded(self) -> Self {
        self.without("CACHE_HEALTH_MAX_CONNECTIONS_PER_SECOND")
            .without("CACHE_HEALTH_MAX_CHECKS_PER_SECOND")
    }

    pub fn without(mut self, name: &str) -> Self {
        self.environment.remove(name);
        self
    }

    /// The variables that are set.
    pub fn environment(&self) -> &BTreeMap<String, String> {
        &self.environment
    }

    /// Something that must not be in any output.
    pub fn secret(mut self, text: &str) -> Self {
        self.secrets.push(text.to_owned());
        self
    }

    /// With this file in place of `/etc/resolv.conf`. For root.
    pub fn with_resolver(mut self, file: &Path) -> Self {
        self.resolver = Some(file.to_owned());
        self
    }

    /// The program, in a mount namespace of its own where it is to see another resolver.
    pub fn program(&self) -> Command {
        let program = env!("CARGO_BIN_EXE_cache-health");
        let mut command = match &self.resolver {
            None => Command::new(program),
            Some(file) => {
                let script = r#"mount --bind "$0" /etc/resolv.conf && exec "$@""#;
                let mut command = Command::new("unshare");
                command
                    .args(["--mount", "sh", "-c", script])
                    .arg(file)
                    .arg(program);
                command
            }
        };
        command.env_clear().envs(&self.environment);
        if self.resolver.is_some() {
            command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        }
        command
    }

    pub fn identity(self, endpoint: &IdentityEndpoint) -> Self {
        self.env("IDENTITY_ENDPOINT", endpoint.url())
            .env("IDENTITY_HEADER", &endpoint.header)
            .secret(&endpoint.header)
    }

    /// Runs it. No run may show a secret, whatever it is about.
    pub fn run(self) -> Verdict {
        let (output, took) = self.output(&["check", "--format", "json"]);
        let stdout = String::from_utf8(output.stdout).expect("UTF-8");
        let document = document::read(&stdout);
        Verdict {
            code: output.status.code().expect("an exit code"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
            document,
            took,
        }
    }

    pub fn output(&self, arguments: &[&str]) -> (Output, Duration) {
        let started = Instant::now();
        let output = self
            .program()
            .args(arguments)
            .output()
            .expect("the program runs");
        let took = started.elapsed();
        for secret in &self.secrets {
            for stream in [&output.stdout, &output.stderr] {
                let text = String::from_utf8_lossy(stream);
                assert!(!text.contains(secret.as_str()), "a secret in:\n{text}");
            }
        }
        (output, took)
    }
}

/// What came of a run.
pub struct Verdict {
    pub code: i32,
    pub document: Document,
    pub stderr: String,
    pub took: Duration,
}

impl Verdict {
    #[track_caller]
    pub fn passes(self) -> Self {
        assert_eq!(self.document.status, Status::Pass, "{:#?}", self.document);
        assert_eq!(self.code, 0);
        self
    }

    #[track_caller]
    pub fn warns(self, kind: Kind) -> Self {
        assert_eq!(self.document.status, Status::Warn, "{:#?}", self.document);
        let warned = self
            .document
            .warnings
            .iter()
            .any(|warning| warning.kind == kind);
        assert!(warned, "{:#?}", self.document);
        assert_eq!(self.code, 0);
        self
    }

    #[track_caller]
    pub fn fails(self, kind: Kind, step: impl Into<Option<Step>>) -> Self {
        assert_eq!(self.document.status, Status::Fail, "{:#?}", self.document);
        let failure = self.document.failure.as_ref().expect("a failure");
        assert_eq!(
            (failure.kind, failure.step),
            (kind, step.into()),
            "{failure:#?}"
        );
        assert!(!failure.remedy.is_empty() && !failure.output.is_empty());
        assert_eq!(self.code, 1);
        self
    }

    #[track_caller]
    pub fn used(self, method: &str, reason: Option<&str>) -> Self {
        let auth = self.document.auth.as_ref().expect("a credential");
        assert_eq!(auth.method.as_str(), method);
        assert_eq!(auth.fallback_reason.as_deref(), reason);
        self
    }

    #[track_caller]
    pub fn took_steps(self, steps: &[Step]) -> Self {
        let taken: Vec<Step> = self.document.checks.keys().copied().collect();
        assert_eq!(taken, steps);
        self
    }
}
