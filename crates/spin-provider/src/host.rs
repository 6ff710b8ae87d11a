//! The traits that `bindings.rs` generates, and nothing else.

use crate::bindings::exports::cache_health::capabilities::{access, credentials, redis, settings};
use crate::connection::{self, Ask, Connection, Login};
use crate::{convert, tokens, variables};
use cache_health_provider::Config;
use cache_health_provider::SecretString;
use cache_health_provider::config::{AccessKey, Candidate, ConfigError, KeySource};
use cache_health_provider::operator::is_operator;
use cache_health_report::{Evidence, Failure};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// What is said when the provider is asked for what it did not offer.
const NOT_CONFIGURED: &str = "The configuration changed during the check";
/// What is said when there is no such candidate.
const UNKNOWN: &str = "There is no such candidate";

/// The provider.
pub struct Provider;

/// A credential; whoever holds the handle cannot read it.
pub struct Credential {
    /// What it was read with: it goes to no other host, whatever is configured by then.
    config: Rc<Config>,
    candidate: Candidate,
    user: String,
    password: Arc<SecretString>,
    generation: u64,
    expires_at: Option<i64>,
    renewal_failure: Option<Failure>,
    evidence: Evidence,
}

impl settings::Guest for Provider {
    async fn get() -> Result<settings::Settings, settings::Failure> {
        match variables::config().await {
            Ok(config) => Ok(convert::settings_to_wit(&config)),
            Err(error) => Err(convert::config_error_to_wit(&error)),
        }
    }

    async fn readiness() -> String {
        // What cannot be read is a configuration error, which every policy but `never` counts.
        let policy = variables::config().await.map(|config| config.readiness);
        policy.unwrap_or_default().as_str().to_owned()
    }
}

impl access::Guest for Provider {
    async fn may_see_details(authorization: Option<String>) -> bool {
        let token = variables::operator_token().await;
        token.is_some_and(|token| is_operator(authorization.as_deref(), &token))
    }
}

impl credentials::Guest for Provider {
    type Credential = Credential;

    async fn configured() -> Vec<credentials::Candidate> {
        let candidates = variables::config().await.map(|config| config.candidates());
        let candidates = candidates.unwrap_or_default();
        candidates
            .into_iter()
            .map(convert::candidate_to_wit)
            .collect()
    }
}

impl credentials::GuestCredential for Credential {
    async fn acquire(id: u32, budget: u64) -> Result<credentials::Credential, settings::Failure> {
        let changed = || convert::internal(NOT_CONFIGURED);
        let config = variables::config().await.map_err(|_| changed())?;
        let candidate = config
            .candidates()
            .into_iter()
            .find(|candidate| candidate.id() == id);
        let candidate = candidate.ok_or_else(|| convert::internal(UNKNOWN))?;
        let endpoint = &config.endpoint;
        if candidate.is_entra() {
            let mut identities = config.identities.iter();
            let identity = identities.find(|identity| identity.candidate() == candidate);
            let identity = identity.ok_or_else(changed)?;
            let held = tokens::acquire(identity, &config, Duration::from_nanos(budget))
                .await
                .map_err(convert::failure_to_wit)?;
            return Ok(credentials::Credential::new(Credential {
                config: Rc::clone(&config),
                candidate,
                user: held.object_id,
                generation: held.generation,
                expires_at: Some(held.expires_at),
                renewal_failure: held.renewal_failure,
                evidence: Evidence::new(),
                password: held.secret,
            }));
        }
        let (key, variable) = endpoint.key(candidate);
        let variable = &variable.to_ascii_lowercase();
        // A file is not declared in the manifest: Spin components have none by default.
        let Some(KeySource::Value(key)) = key else {
            return Err(changed());
        };
        let key = AccessKey::of(key).map_err(|problem| {
            convert::config_error_to_wit(&ConfigError {
                shape: problem.shape(),
                ..ConfigError::new(variable, problem.to_string())
            })
        })?;
        let user = endpoint.key_user().to_owned();
        Ok(credentials::Credential::new(Credential {
            config: Rc::clone(&config),
            candidate,
            user,
            generation: fingerprint(&key.secret),
            expires_at: None,
            renewal_failure: None,
            evidence: key.evidence(variable),
            password: Arc::new(key.secret),
        }))
    }

    fn describe(&self) -> credentials::Description {
        credentials::Description {
            method: self.candidate.method().as_str().to_owned(),
            label: self.candidate.label().to_owned(),
            principal: self.candidate.is_entra().then(|| self.user.clone()),
            expires_at: self.expires_at,
            renewal_failure: self.renewal_failure.clone().map(convert::failure_to_wit),
            evidence: self.evidence.clone().into_list(),
        }
    }
}

impl redis::Guest for Provider {
    type Connection = Connection;
}

impl redis::GuestConnection for Connection {
    async fn connect(
        credential: credentials::CredentialBorrow<'_>,
        options: redis::ConnectOptions,
    ) -> Result<redis::Connection, redis::ConnectFailure> {
        let failure = |failure| redis::ConnectFailure {
            failure,
            step: "connect".to_owned(),
            session: None,
        };
        // Taken out before anything is awaited: no borrow is held across a wait.
        let (login, password, candidate, per_second) = {
            let credential = credential.get::<Credential>();
            let password = Arc::clone(&credential.password);
            let per_second = credential.config.max_connections_per_second;
            (
                login(credential),
                password,
                credential.candidate,
                per_second,
            )
        };
        let generation = login.generation;
        let ask = Ask {
            budget: Duration::from_nanos(options.budget),
            new: options.new_connection,
            per_second,
        };
        connection::connect(login, &password, ask)
            .await
            .map(redis::Connection::new)
            .map_err(|error| {
                if candidate.is_entra() && error.is_refusal() {
                    tokens::refused(candidate, generation);
                }
                failure(convert::connection_error_to_wit(&error))
            })
    }

    async fn set(&self, value: Vec<u8>, ttl: u32, budget: u64) -> Result<(), settings::Failure> {
        let connection = self.clone();
        connection::set(&connection, value, ttl, Duration::from_nanos(budget))
            .await
            .map_err(|error| convert::connection_error_to_wit(&error))
    }

    async fn get(&self, budget: u64) -> Result<Option<Vec<u8>>, settings::Failure> {
        let connection = self.clone();
        connection::get(&connection, Duration::from_nanos(budget))
            .await
            .map_err(|error| convert::connection_error_to_wit(&error))
    }

    fn session(&self) -> redis::Session {
        convert::session_to_wit(self)
    }
}

/// Where a credential goes, and as whom.
fn login(credential: &Credential) -> Login {
    let (endpoint, key) = (&credential.config.endpoint, &credential.config.key);
    Login {
        host: endpoint.host.clone(),
        port: endpoint.port,
        database: endpoint.database,
        key: key.clone(),
        user: credential.user.clone(),
        generation: credential.generation,
    }
}

/// Tells keys apart without keeping a second copy. Not a secret's hash that anybody sees: it
/// never leaves this instance.
fn fingerprint(key: &SecretString) -> u64 {
    use cache_health_provider::ExposeSecret as _;
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    key.expose_secret().hash(&mut hasher);
    hasher.finish()
}
