//! Makes the observations: credential, connection, `SET`, `GET`, each within the deadline.

use crate::capabilities::{
    AuthPolicy, Candidate, Capabilities, ConfigError, ConnectFailure, CredentialError,
    CredentialFacts, Origin, RedisError, Session, Settings, TokenUnavailable,
};
use crate::deadline::{Deadline, budget, within};
use crate::policy;
use cache_health_report::{AuthMethod, FallbackReason, Kind, Status, Step, StepResult, Tls};
use std::time::Duration;

/// What is written, and has to be read back.
pub const VALUE: &[u8] = b"ok";
/// How long the value lives, in seconds.
pub const TTL_SECONDS: u32 = 60;
/// How long the provider may take to say what the settings are. They cost no network, so this
/// is only there for a host that never answers.
const SETTINGS_LIMIT: Duration = Duration::from_secs(5);

/// Why a check failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The settings cannot be used.
    Config(ConfigError),
    /// No credential could be had.
    Credential(CredentialError),
    /// A step on the connection failed.
    Redis(RedisError),
    /// `GET` did not return what was `SET`.
    Mismatch,
}

/// A failure and where it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    pub cause: Cause,
    pub step: Option<Step>,
}

/// What was observed with one candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub candidate: Candidate,
    /// Why this candidate and not a more preferred one.
    pub reason: Option<FallbackReason>,
    /// Known once the credential was had.
    pub facts: Option<CredentialFacts>,
    pub steps: Vec<StepResult>,
    pub tls: Option<Tls>,
    pub trouble: Option<Trouble>,
    /// Why no new connection can be used, though the kept one can.
    pub cold_trouble: Option<Trouble>,
}

/// Everything that was observed in one check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observations {
    /// None when the provider did not say, with the reason in `trouble`.
    pub settings: Option<Settings>,
    /// Trouble before any candidate was tried.
    pub trouble: Option<Trouble>,
    /// In the order they were tried; the last one decides.
    pub attempts: Vec<Attempt>,
    /// When the check ended, in seconds since 1970-01-01T00:00:00Z.
    pub wall_clock: i64,
}

/// Makes all the observations of one check. `paused`: why Entra is left out for now.
/// `new_connection`: prove one beside the kept one.
pub async fn observe<C: Capabilities>(
    host: &C,
    paused: Option<Kind>,
    new_connection: bool,
) -> Observations {
    let mut observations = Observations {
        settings: None,
        trouble: None,
        attempts: Vec::new(),
        wall_clock: 0,
    };
    observations.trouble = attempt_all(host, paused, new_connection, &mut observations).await;
    observations.wall_clock = host.wall_clock();
    observations
}

/// What the provider says the settings are; none when it does not say.
pub async fn settings<C: Capabilities>(host: &C) -> Option<Result<Settings, ConfigError>> {
    within(host, SETTINGS_LIMIT, host.settings()).await
}

async fn attempt_all<C: Capabilities>(
    host: &C,
    paused: Option<Kind>,
    new_connection: bool,
    observations: &mut Observations,
) -> Option<Trouble> {
    let silent = Trouble {
        cause: Cause::Redis(RedisError::Timeout),
        step: None,
    };
    let settings = match settings(host).await {
        None => return Some(silent),
        Some(Err(error)) => {
            return Some(Trouble {
                cause: Cause::Config(error),
                step: None,
            });
        }
        Some(Ok(settings)) => settings,
    };
    let deadline = Deadline::after(host, settings.deadline);
    observations.settings = Some(settings.clone());
    let Some(configured) = deadline.within(host.candidates()).await else {
        return Some(silent);
    };

    let entra_configured = configured.iter().any(|c| c.method == AuthMethod::Entra);
    let plan = policy::plan(settings.auth, configured, paused);
    let Some(first) = plan.first() else {
        return Some(Trouble {
            cause: Cause::Config(no_credential()),
            step: None,
        });
    };
    let mut reason = policy::initial_reason(settings.auth, first, entra_configured, paused);

    for (index, candidate) in plan.iter().enumerate() {
        let rest = &plan[index + 1..];
        let mut attempt = Attempt {
            candidate: candidate.clone(),
            reason,
            facts: None,
            steps: Vec::new(),
            tls: None,
            trouble: None,
            cold_trouble: None,
        };
        let mut probe = Probe {
            host,
            settings: &settings,
            deadline: &deadline,
            attempt: &mut attempt,
            mark: host.now(),
        };
        let trouble = probe.run(policy::has_key(rest), new_connection).await.err();
        attempt.trouble = trouble;
        let next = attempt
            .trouble
            .as_ref()
            .filter(|trouble| !rest.is_empty() && policy::falls_back(candidate, &trouble.cause))
            .map(|trouble| crate::verdict::kind(&trouble.cause));
        observations.attempts.push(attempt);
        match next {
            Some(kind) => reason = Some(FallbackReason::Failed(kind)),
            None => break,
        }
    }
    None
}

fn no_credential() -> ConfigError {
    ConfigError {
        variable: "REDIS_ACCESS_KEY".to_owned(),
        message: "no credential is configured that REDIS_AUTH allows".to_owned(),
    }
}

/// One candidate being tried.
struct Probe<'a, 'h, C: Capabilities> {
    host: &'h C,
    settings: &'a Settings,
    deadline: &'a Deadline<'h, C>,
    attempt: &'a mut Attempt,
    /// When the last step ended, which is when the next one starts.
    mark: Duration,
}

impl<C: Capabilities> Probe<'_, '_, C> {
    async fn run(&mut self, key_follows: bool, new_connection: bool) -> Result<(), Trouble> {
        let (credential, token_time) = self.acquire(key_follows).await?;
        let (connection, origin) = self.connect(&credential, false, token_time).await?;
        let before = self.attempt.steps.len();
        match self.round_trip(&connection, origin).await {
            Err(trouble) if policy::reconnects(origin, new_connection, &trouble.cause) => {
                drop(connection);
                return self.replace_kept(&credential, trouble, before).await;
            }
            result => result?,
        }
        // One that was just made has proved it already.
        if origin == Origin::Kept && new_connection {
            self.attempt.cold_trouble = self.prove_new(&credential).await.err();
        }
        Ok(())
    }

    /// Whether a new connection can be used: what the next deployment will need. One that was made for an
    /// earlier caller counts when it works; otherwise one is made now.
    async fn prove_new(&mut self, credential: &C::Credential) -> Result<(), Trouble> {
        let before = self.attempt.steps.len();
        let (connection, origin) = self.connect(credential, true, None).await?;
        match self.round_trip(&connection, origin).await {
            Err(trouble) if policy::reconnects(origin, true, &trouble.cause) => {
                drop(connection);
                let (connection, origin) = self.connect(credential, true, None).await?;
                self.round_trip(&connection, origin).await?;
                self.forget_broken(before);
                Ok(())
            }
            result => result,
        }
    }

    /// A later connection works: the steps from here to the first that failed were about a broken one and
    /// not about the cache.
    fn forget_broken(&mut self, from: usize) {
        let broken = self.attempt.steps[from..]
            .iter()
            .position(|step| step.status == Status::Fail);
        if let Some(at) = broken {
            self.attempt.steps.drain(from..=from + at);
        }
    }

    /// Gets the credential; with it, how long the token took where there is one.
    async fn acquire(
        &mut self,
        key_follows: bool,
    ) -> Result<(C::Credential, Option<Duration>), Trouble> {
        // Only `auto` has a next candidate of another method.
        let key_follows = key_follows && self.settings.auth == AuthPolicy::Auto;
        let candidate = &self.attempt.candidate;
        let wait = policy::acquire_limit(
            candidate,
            key_follows,
            self.settings.deadline,
            self.remaining(),
        );
        let is_token = candidate.method == AuthMethod::Entra;
        let call = self.host.acquire(candidate.id, budget(wait));
        let result = match within(self.host, wait, call).await {
            Some(result) => result,
            None if is_token => Err(CredentialError::TokenUnavailable(TokenUnavailable::Timeout)),
            None => Err(CredentialError::Other(
                "the access key was not supplied in time".into(),
            )),
        };
        let took = self.lap();
        match result {
            Ok(credential) => {
                self.attempt.facts = Some(self.host.facts(&credential));
                Ok((credential, is_token.then_some(took)))
            }
            Err(error) => {
                let step = is_token.then_some(Step::Token);
                if let Some(step) = step {
                    self.record(step, Status::Fail, took);
                }
                Err(Trouble {
                    cause: Cause::Credential(error),
                    step,
                })
            }
        }
    }

    /// Connects; with the connection, where it comes from.
    async fn connect(
        &mut self,
        credential: &C::Credential,
        fresh: bool,
        token_time: Option<Duration>,
    ) -> Result<(C::Connection, Origin), Trouble> {
        let call = self
            .host
            .connect(credential, budget(self.remaining()), fresh);
        let result = match self.deadline.within(call).await {
            Some(result) => result,
            None => Err(ConnectFailure {
                error: RedisError::Timeout,
                step: Step::Connect,
                session: Session::default(),
            }),
        };
        let took = self.lap();
        let session = match &result {
            Ok(connection) => self.host.session(connection),
            Err(failure) => failure.session.clone(),
        };
        // A token that came with a kept connection was not asked for by this check.
        if let Some(time) = token_time.filter(|_| session.origin != Origin::Kept) {
            self.record(Step::Token, Status::Pass, time);
        }
        let known: Duration = session.steps.iter().map(|(_, time)| *time).sum();
        for (step, time) in session.steps {
            self.record(step, Status::Pass, time);
        }
        self.attempt.tls = session.tls.or(self.attempt.tls.take());
        match result {
            Ok(connection) => Ok((connection, session.origin)),
            Err(failure) => {
                self.record(failure.step, Status::Fail, took.saturating_sub(known));
                Err(Trouble {
                    cause: Cause::Redis(failure.error),
                    step: Some(failure.step),
                })
            }
        }
    }

    /// `SET`, `GET`, and the comparison.
    async fn round_trip(
        &mut self,
        connection: &C::Connection,
        origin: Origin,
    ) -> Result<(), Trouble> {
        let host = self.host;
        let limit = budget(policy::command_limit(origin, self.remaining()));
        self.command(Step::Set, host.set(connection, VALUE, TTL_SECONDS, limit))
            .await?;
        let limit = budget(policy::command_limit(origin, self.remaining()));
        let value = self.command(Step::Get, host.get(connection, limit)).await?;
        if value.as_deref() == Some(VALUE) {
            return Ok(());
        }
        if let Some(last) = self.attempt.steps.last_mut() {
            last.status = Status::Fail;
        }
        Err(Trouble {
            cause: Cause::Mismatch,
            step: Some(Step::Get),
        })
    }

    async fn command<T>(
        &mut self,
        step: Step,
        call: impl Future<Output = Result<T, RedisError>>,
    ) -> Result<T, Trouble> {
        let result = self
            .deadline
            .within(call)
            .await
            .unwrap_or(Err(RedisError::Timeout));
        let took = self.lap();
        let status = if result.is_ok() {
            Status::Pass
        } else {
            Status::Fail
        };
        self.record(step, status, took);
        result.map_err(|error| Trouble {
            cause: Cause::Redis(error),
            step: Some(step),
        })
    }

    /// The kept connection failed: proves the cache on a new one.
    ///
    /// When that too only meets silence, the first time-out is the better witness: Redis stopped
    /// answering on a connection that had worked.
    async fn replace_kept(
        &mut self,
        credential: &C::Credential,
        first: Trouble,
        before: usize,
    ) -> Result<(), Trouble> {
        match self.prove_new(credential).await {
            Ok(()) => {
                self.forget_broken(before);
                Ok(())
            }
            Err(Trouble {
                cause: Cause::Redis(RedisError::Timeout),
                ..
            }) if matches!(first.cause, Cause::Redis(RedisError::Timeout)) => Err(first),
            Err(trouble) => Err(trouble),
        }
    }

    fn remaining(&self) -> Duration {
        self.deadline.remaining(self.mark)
    }

    /// How long it is since the last step ended.
    fn lap(&mut self) -> Duration {
        let now = self.host.now();
        let lap = now.saturating_sub(self.mark);
        self.mark = now;
        lap
    }

    fn record(&mut self, step: Step, status: Status, duration: Duration) {
        self.attempt.steps.push(StepResult {
            step,
            status,
            duration,
        });
    }
}

#[cfg(test)]
mod tests;
