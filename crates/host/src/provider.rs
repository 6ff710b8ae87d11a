//! The capabilities as this host supplies them, before any WIT: which credentials there are, how
//! one is had, and what connects with it.

use crate::cache::tls::TlsSettings;
use crate::cache::{Ask, Cache, CacheError, ConnectFailure, Connection, Endpoint, Login, Secret};
use crate::files::{FileError, Files, MAX_SECRET};
use crate::identity::{Lease, Source, Tokens};
use cache_health_provider::config::{
    AccessKey, Candidate, Config, ConfigError, KeyProblem, KeySource, OPERATOR_TOKEN_FILE,
};
use cache_health_provider::operator::{self, carries, is_operator};
use cache_health_provider::reply::ErrorReply;
use cache_health_provider::{ExposeSecret as _, SecretString, Variables};
use cache_health_report::{Evidence, Failure};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tracing::debug;

/// Adds to the built-in roots.
const EXTRA_CA_FILE: &str = "REDIS_EXTRA_CA_FILE";

/// A credential that was had.
#[derive(Clone, Debug)]
pub struct Credential {
    /// Where it comes from.
    pub candidate: Candidate,
    /// The object id, for Entra.
    pub principal: Option<String>,
    /// When it ends, in seconds since 1970-01-01T00:00:00Z.
    pub expires_at: Option<i64>,
    /// Why the last attempt to renew it failed.
    pub renewal_failure: Option<Failure>,
    /// What else may be known.
    pub evidence: Evidence,
    secret: Secret,
}

impl Credential {
    /// What `AUTH` takes.
    fn secret(&self) -> Secret {
        self.secret.clone()
    }

    /// Its method in logs.
    fn method(&self) -> &'static str {
        self.candidate.method().as_str()
    }
}

/// Why a credential could not be had.
#[derive(Clone, Debug)]
pub enum CredentialError {
    /// There is no token.
    Token(Failure),
    /// The key's file cannot be read, or holds no key.
    Key(ConfigError),
    /// There is no such candidate.
    UnknownCandidate,
}

/// Everything behind the capabilities; shared by all instances of the component.
pub struct Provider {
    /// What is configured.
    pub config: Config,
    /// The cache.
    pub cache: Arc<Cache>,
    /// The tokens of each identity, in the order in which they are tried.
    tokens: Vec<(Candidate, Arc<Tokens>)>,
    files: Arc<Files>,
    /// The access keys as last read, with how often each has changed.
    keys: Mutex<HashMap<u32, (Arc<SecretString>, u64)>>,
}

impl Provider {
    /// What these variables configure.
    pub async fn from_variables(variables: &dyn Variables) -> Result<Arc<Self>, ConfigError> {
        Self::new(Config::from_variables(variables)?).await
    }

    /// Builds everything that is built once. Fails when a file that is configured cannot be used.
    pub async fn new(config: Config) -> Result<Arc<Self>, ConfigError> {
        let files = Arc::<Files>::default();
        let tls = match &config.extra_ca_file {
            Some(path) => TlsSettings::with_extra(&files, EXTRA_CA_FILE, path.clone()).await?,
            None => TlsSettings::load(&files, "REDIS_CA_FILE", config.ca_file.clone()).await?,
        };
        let configured = &config.endpoint;
        let name = configured.tls_name.as_ref().unwrap_or(&configured.host);
        let endpoint = Endpoint {
            host: configured.host.clone(),
            // A dot at its end is the resolver's business, and no part of a name in a certificate.
            name: name.trim_end_matches('.').to_owned(),
            port: configured.port,
            database: configured.database,
            tls,
            files: Arc::clone(&files),
        };
        let cache = Cache::new(endpoint, &config);
        let provider = Self {
            tokens: tokens(&config, &cache, &files).await?,
            cache,
            files,
            keys: Mutex::default(),
            config,
        };
        // Any other key's file is read when that key is needed, and not before.
        if let Some(first) = provider.config.candidates().first()
            && !first.is_entra()
        {
            provider.read_key(*first, Duration::MAX).await?;
        }
        Ok(Arc::new(provider))
    }

    /// Renews what has to be renewed, for as long as the process lives. A single check does
    /// without: no token it gets ends before it does.
    pub async fn keep_renewed(&self) {
        let all = self.tokens.iter().enumerate();
        // One that is only tried after another is left alone until it is.
        let renewals = all.map(|(at, (_, tokens))| Arc::clone(tokens).keep_renewed(at == 0));
        futures::future::join_all(renewals).await;
    }

    /// Obtains the credential of a candidate.
    pub async fn acquire(&self, id: u32, budget: Duration) -> Result<Credential, CredentialError> {
        let candidates = self.config.candidates();
        let candidate = candidates
            .into_iter()
            .find(|candidate| candidate.id() == id)
            .ok_or(CredentialError::UnknownCandidate)?;
        if !candidate.is_entra() {
            let secret = self.read_key(candidate, budget).await;
            let (secret, evidence) = secret.map_err(CredentialError::Key)?;
            return Ok(Credential {
                candidate,
                evidence,
                principal: None,
                expires_at: None,
                renewal_failure: None,
                secret,
            });
        }
        let tokens = self.tokens_of(candidate);
        let lease = tokens
            .ok_or(CredentialError::UnknownCandidate)?
            .acquire(budget)
            .await
            .map_err(CredentialError::Token)?;
        Ok(Credential {
            candidate,
            principal: Some(lease.object_id.clone()),
            expires_at: Some(lease.expires_at),
            secret: secret(&lease),
            renewal_failure: lease.renewal_failure,
            evidence: Evidence::new(),
        })
    }

    fn tokens_of(&self, candidate: Candidate) -> Option<&Arc<Tokens>> {
        let mut of = self.tokens.iter().filter(|(of, _)| *of == candidate);
        of.next().map(|(_, tokens)| tokens)
    }

    /// A connection with this credential; see [`Cache::connect`].
    pub async fn connect(
        &self,
        credential: &Credential,
        ask: Ask,
    ) -> Result<Connection, ConnectFailure> {
        let login = Login {
            candidate: credential.candidate.id(),
            method: credential.method(),
            secret: credential.secret(),
        };
        let connected = self.cache.connect(login, ask).await;
        if let Err(failure) = &connected
            && failure.error == CacheError::ErrorReply(ErrorReply::AuthRejected)
            && let Some(tokens) = self.tokens_of(credential.candidate)
        {
            tokens.refused(credential.secret.generation);
        }
        connected
    }

    /// Whether whoever sent this `Authorization` header is the operator. A file with the token is read each time, so that
    /// it can be rotated; while it cannot be, nobody is.
    pub async fn may_see_details(&self, authorization: Option<&str>) -> bool {
        // Whatever else a guest asks with would be held while the file is read.
        let Some(header) = authorization.filter(|header| header.len() <= operator::MAX_HEADER)
        else {
            return false;
        };
        let token = self.operator_token().await;
        let token = token.inspect_err(|error| debug!(%error, "nobody is the operator"));
        token.is_ok_and(|token| token.is_some_and(|token| is_operator(Some(header), &token)))
    }

    /// Whether the operator's token is in this header, in whatever form.
    ///
    /// # Errors
    ///
    /// When the token cannot be read.
    pub async fn carries_the_token(&self, header: &[u8]) -> Result<bool, ConfigError> {
        let token = self.operator_token().await?;
        Ok(token.is_some_and(|token| carries(header, &token)))
    }

    /// The operator's token, where there is one.
    pub async fn operator_token(&self) -> Result<Option<SecretString>, ConfigError> {
        let path = match &self.config.operator_token {
            None => return Ok(None),
            Some(KeySource::Value(token)) => return Ok(Some(token.clone())),
            Some(KeySource::File(path)) => path,
        };
        let wrong = |problem: String| ConfigError::new(OPERATOR_TOKEN_FILE, problem);
        let text = self.files.text(path, MAX_SECRET).await;
        let text = text.map_err(|error| wrong(error.to_string()))?;
        let token = text.expose_secret().trim();
        if token.is_empty() {
            return Err(wrong("holds no token".to_owned()));
        }
        Ok(Some(SecretString::from(token)))
    }

    /// The access key as it is now, and what may be known of it. A file is read each time: it is small, in memory where
    /// secrets are mounted, and may have been rotated.
    async fn read_key(
        &self,
        candidate: Candidate,
        budget: Duration,
    ) -> Result<(Secret, Evidence), ConfigError> {
        let endpoint = &self.config.endpoint;
        let (source, name) = endpoint.key(candidate);
        let in_a_file = format!("{name}_FILE");
        let (variable, text) = match source {
            Some(KeySource::Value(value)) => (name, value.clone()),
            Some(KeySource::File(path)) => {
                let text = self.files.text(path, MAX_SECRET);
                let text = tokio::time::timeout(budget, text).await;
                let text = text.unwrap_or(Err(FileError::Timeout));
                let text = text.map_err(|error| ConfigError::new(&in_a_file, error.to_string()))?;
                (in_a_file.as_str(), text)
            }
            None => return Err(ConfigError::new(name, "is not set")),
        };
        let key = AccessKey::of(&text).map_err(|problem: KeyProblem| ConfigError {
            shape: problem.shape(),
            ..ConfigError::new(variable, problem.to_string())
        })?;
        let evidence = key.evidence(variable);
        let mut keys = self.keys.lock();
        let known = keys
            .entry(candidate.id())
            .or_insert_with(|| (Arc::new(key.secret.clone()), 0));
        if known.0.expose_secret() != key.secret.expose_secret() {
            *known = (Arc::new(key.secret), known.1 + 1);
        }
        let secret = Secret {
            user: endpoint.key_user().to_owned(),
            password: Arc::clone(&known.0),
            generation: known.1,
        };
        Ok((secret, evidence))
    }
}

/// The tokens of each identity that is configured. A new one is given to the live connection at once.
async fn tokens(
    config: &Config,
    cache: &Arc<Cache>,
    files: &Arc<Files>,
) -> Result<Vec<(Candidate, Arc<Tokens>)>, ConfigError> {
    let mut all = Vec::new();
    for identity in &config.identities {
        let candidate = identity.candidate();
        let source = Source::new(identity.clone(), config, files).await?;
        let cache = Arc::clone(cache);
        let tokens = Tokens::new(source, config.timeout, move |lease| {
            cache.reauthenticate(candidate.id(), secret(lease));
        });
        all.push((candidate, tokens));
    }
    Ok(all)
}

fn secret(lease: &Lease) -> Secret {
    Secret {
        user: lease.object_id.clone(),
        password: Arc::clone(&lease.secret),
        generation: lease.generation,
    }
}
