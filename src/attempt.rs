//! One candidate being tried: credential, connection, `SET`, `GET`.

use crate::capabilities::{Candidate, Capabilities, ConnectFailure, Origin, Session};
use crate::deadline::{Deadline, budget, within};
use crate::observations::{Attempt, Trouble};
use crate::policy;
use cache_health_report::{AuthMethod, Failure, Kind, Status, Step, StepResult};
use std::time::Duration;

/// What is written, and has to be read back.
pub const VALUE: &[u8] = b"ok";
/// How long the value lives, in seconds.
pub const TTL_SECONDS: u32 = 60;

/// What a check is to prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// That the cache can be used.
    Kept,
    /// Also that a new connection can be made, beside the kept one.
    NewConnection,
}

/// What all attempts of a check share.
pub struct Check<'a, 'h, C> {
    pub host: &'h C,
    pub deadline: &'a Deadline<'h, C>,
    pub proof: Proof,
}

/// One candidate being tried.
pub struct Probe<'a, 'h, C: Capabilities> {
    check: &'a Check<'a, 'h, C>,
    attempt: &'a mut Attempt,
    /// When the last step ended, which is when the next one starts.
    mark: Duration,
}

impl<'a, 'h, C: Capabilities> Probe<'a, 'h, C> {
    /// Before the first step.
    pub fn of(check: &'a Check<'a, 'h, C>, attempt: &'a mut Attempt) -> Self {
        Self {
            mark: check.host.now(),
            check,
            attempt,
        }
    }

    /// Tries it. `rest`: those that can be tried after this.
    pub async fn run(mut self, rest: &[Candidate]) -> Result<(), Trouble> {
        let new_connection = self.check.proof == Proof::NewConnection;
        let (credential, token_time) = self.acquire(rest).await?;
        let (connection, origin) = self.connect(&credential, false, token_time).await?;
        let before = self.attempt.steps.len();
        match self.round_trip(&connection, origin).await {
            Err(trouble) if policy::reconnects(origin, new_connection, trouble.kind()) => {
                drop(connection);
                return self.replace_kept(&credential, trouble, before).await;
            }
            result => result?,
        }
        // One that was just made has proved it already.
        if origin == Origin::Kept && new_connection {
            self.attempt.new_connection_trouble = self.prove_new(&credential).await.err();
        }
        Ok(())
    }

    /// Whether a new connection can be used: what the next deployment will need. One that was made for an
    /// earlier caller counts when it works; otherwise one is made now.
    async fn prove_new(&mut self, credential: &C::Credential) -> Result<(), Trouble> {
        let before = self.attempt.steps.len();
        let (connection, origin) = self.connect(credential, true, None).await?;
        match self.round_trip(&connection, origin).await {
            Err(trouble) if policy::reconnects(origin, true, trouble.kind()) => {
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
        rest: &[Candidate],
    ) -> Result<(C::Credential, Option<Duration>), Trouble> {
        let host = self.check.host;
        let candidate = &self.attempt.candidate;
        let wait = policy::acquire_limit(candidate, rest, self.remaining());
        let is_token = candidate.method == AuthMethod::Entra;
        let call = host.acquire(candidate.id, budget(wait));
        let result = match within(host, wait, call).await {
            Some(result) => result,
            None if is_token => {
                Err(Failure::of(Kind::TokenUnavailable).with("identity.problem", "timeout"))
            }
            None => Err(Failure::of(Kind::Internal)
                .with("problem", "The access key was not supplied in time")),
        };
        let took = self.lap();
        match result {
            Ok(credential) => {
                let mut facts = host.facts(&credential);
                let evidence = std::mem::take(&mut facts.evidence);
                self.attempt.evidence.extend(evidence);
                self.attempt.facts = Some(facts);
                Ok((credential, is_token.then_some(took)))
            }
            Err(failure) => {
                let trouble = Trouble {
                    failure,
                    step: is_token.then_some(Step::Token),
                };
                // A machine that has no identity, and was never meant to have one: no step was taken.
                if !trouble.was_configured() {
                    return Err(Trouble {
                        step: None,
                        ..trouble
                    });
                }
                if let Some(step) = trouble.step {
                    self.record(step, Status::Fail, took);
                }
                Err(trouble)
            }
        }
    }

    /// Connects; with the connection, where it comes from.
    async fn connect(
        &mut self,
        credential: &C::Credential,
        new_connection: bool,
        token_time: Option<Duration>,
    ) -> Result<(C::Connection, Origin), Trouble> {
        let host = self.check.host;
        let call = host.connect(credential, budget(self.remaining()), new_connection);
        let result = match self.check.deadline.within(call).await {
            Some(result) => result,
            None => Err(ConnectFailure {
                failure: Failure::of(Kind::Timeout),
                step: Step::Connect,
                session: Session::default(),
            }),
        };
        let took = self.lap();
        let session = match &result {
            Ok(connection) => host.session(connection),
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
        self.attempt.evidence.extend(session.evidence);
        match result {
            Ok(connection) => Ok((connection, session.origin)),
            Err(failed) => {
                self.record(failed.step, Status::Fail, took.saturating_sub(known));
                Err(Trouble {
                    failure: failed.failure,
                    step: Some(failed.step),
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
        let host = self.check.host;
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
        Err(Trouble::of(Kind::Mismatch, Some(Step::Get)))
    }

    async fn command<T>(
        &mut self,
        step: Step,
        call: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Trouble> {
        let result = self
            .check
            .deadline
            .within(call)
            .await
            .unwrap_or_else(|| Err(Failure::of(Kind::Timeout)));
        let took = self.lap();
        let status = if result.is_ok() {
            Status::Pass
        } else {
            Status::Fail
        };
        self.record(step, status, took);
        result.map_err(|failure| Trouble {
            failure,
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
            Err(trouble) if trouble.kind() == Kind::Timeout && first.kind() == Kind::Timeout => {
                Err(first)
            }
            Err(trouble) => Err(trouble),
        }
    }

    fn remaining(&self) -> Duration {
        self.check.deadline.remaining(self.mark)
    }

    /// How long it is since the last step ended.
    fn lap(&mut self) -> Duration {
        let now = self.check.host.now();
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
