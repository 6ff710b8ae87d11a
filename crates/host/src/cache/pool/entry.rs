//! What there is for each candidate: the kept connection, one that was made beside it, and the
//! attempt under way. No waiting here, and no network.

use crate::cache::Secret;
use crate::cache::connection::Connection;
use crate::cache::dial::Progress;
use crate::cache::pool::attempt::Attempt;
use crate::clock;
use crate::task::SharedTask;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// The renewal of a kept connection; whether it was taken.
pub(in crate::cache) type Renewal = SharedTask<bool>;

/// The entries of all candidates.
pub(in crate::cache) struct Entries {
    by_candidate: HashMap<u32, Entry>,
    serial: u64,
    /// How long a connection that nobody waited for any more may still be a proof.
    unclaimed_for: Duration,
    /// Whether the last round trip worked; none before the first.
    pub working: Option<bool>,
}

impl Entries {
    /// Nothing there yet.
    pub fn new(unclaimed_for: Duration) -> Self {
        Self {
            by_candidate: HashMap::new(),
            serial: 0,
            unclaimed_for,
            working: None,
        }
    }

    /// A connection of this candidate that was made after whoever wanted it had gone. It is handed out
    /// once.
    pub fn unclaimed(&mut self, candidate: u32, generation: u64) -> Option<Connection> {
        let young = self.unclaimed_for;
        let (connection, of, at) = self.of(candidate).unclaimed.take()?;
        (of == generation && clock::since(at) < young).then(|| connection.unclaimed())
    }

    pub fn of(&mut self, candidate: u32) -> &mut Entry {
        self.by_candidate.entry(candidate).or_default()
    }

    pub fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }
}

/// What there is for one candidate.
#[derive(Default)]
pub(in crate::cache) struct Entry {
    kept: Option<Kept>,
    /// With the generation of its secret, and when it was made.
    unclaimed: Option<(Connection, u64, Duration)>,
    attempt: Option<UnderWay>,
    /// The newest secret that anybody came with.
    newest: Option<Secret>,
}

/// An attempt to connect that is under way.
struct UnderWay {
    attempt: Attempt,
    progress: Arc<Progress>,
    /// The generation of its secret.
    generation: u64,
    /// That of the connection it is to become.
    serial: u64,
}

/// A connection that is kept, and which secrets it goes with.
struct Kept {
    connection: Connection,
    /// The generation of the secret it was last authenticated with.
    generation: u64,
    /// The generation that it is to be authenticated with once nobody is in the middle of a round trip.
    due: Option<u64>,
    /// The generation it is being authenticated with.
    renewing: Option<(u64, Renewal)>,
}

impl Entry {
    /// The kept connection, if it goes with this secret; with what to wait for before it is used.
    pub fn kept(&self, generation: u64) -> Option<(Connection, Option<Renewal>)> {
        let kept = self.kept.as_ref()?;
        let renewing_to = kept.renewing.as_ref().map(|(to, _)| *to);
        let goes = [Some(kept.generation), kept.due, renewing_to].contains(&Some(generation));
        let renewal = kept.renewing.as_ref().map(|(_, renewal)| renewal.clone());
        goes.then(|| (kept.connection.again(), renewal))
    }

    /// This secret, or the newer one that somebody came with. A guest that keeps an old credential beside a new one
    /// could make attempts with each in turn, without end.
    pub fn newest(&mut self, secret: Secret) -> Secret {
        let newer = self
            .newest
            .take()
            .filter(|newest| newest.generation > secret.generation);
        self.newest.insert(newer.unwrap_or(secret)).clone()
    }

    /// The attempt under way with this secret. One that is over without having said so panicked.
    pub fn under_way(&self, generation: u64) -> Option<(Attempt, Arc<Progress>)> {
        let under_way = self.attempt.as_ref()?;
        let same = under_way.generation == generation && under_way.attempt.peek().is_none();
        same.then(|| (under_way.attempt.clone(), Arc::clone(&under_way.progress)))
    }

    pub fn started(
        &mut self,
        attempt: Attempt,
        progress: Arc<Progress>,
        generation: u64,
        serial: u64,
    ) {
        self.attempt = Some(UnderWay {
            attempt,
            progress,
            generation,
            serial,
        });
    }

    /// Only if it is still this one: a newer secret may have started another.
    pub fn ended(&mut self, serial: u64) {
        if self.attempt.as_ref().is_some_and(|of| of.serial == serial) {
            self.attempt = None;
        }
    }

    /// A new connection is kept where there is none that goes with its secret or a newer one.
    /// Otherwise it has to prove itself first.
    pub fn arrived(&mut self, connection: &Connection, generation: u64) {
        let newest = self.kept.as_ref().map(|kept| {
            let renewing = kept.renewing.as_ref().map_or(0, |(to, _)| *to);
            kept.generation.max(renewing)
        });
        match newest {
            Some(newest) if newest > generation => {}
            Some(newest) if newest == generation => {
                self.unclaimed = Some((connection.clone(), generation, clock::now()));
            }
            _ => self.keep(connection, generation),
        }
    }

    /// Somebody has it: it is not handed out as new again.
    pub fn delivered(&mut self, connection: &Connection) {
        if self
            .unclaimed
            .as_ref()
            .is_some_and(|(unclaimed, _, _)| unclaimed.is(connection))
        {
            self.unclaimed = None;
        }
    }

    /// A connection that proved itself takes the place of the kept one.
    pub fn promote(&mut self, connection: &Connection, generation: u64) {
        let replaces = match &self.kept {
            Some(kept) => {
                kept.generation <= generation
                    && kept.renewing.is_none()
                    && connection.is_newer_than(&kept.connection)
            }
            // It was given up in the meantime, or is kept for no one.
            None => false,
        };
        if replaces {
            self.keep(connection, generation);
        }
    }

    fn keep(&mut self, connection: &Connection, generation: u64) {
        self.kept = Some(Kept {
            connection: connection.idle(),
            generation,
            due: None,
            renewing: None,
        });
    }

    /// The kept connection, which is to be authenticated with this secret.
    pub fn due(&mut self, generation: u64) -> Option<Connection> {
        let kept = self.kept.as_mut()?;
        kept.due = Some(generation);
        Some(kept.connection.clone())
    }

    /// It begins, for this connection if it is still the kept one.
    pub fn renewing(
        &mut self,
        connection: &Connection,
        generation: u64,
        renew: impl FnOnce() -> Renewal,
    ) {
        let kept = self.kept.as_mut();
        if let Some(kept) = kept.filter(|kept| kept.connection.is(connection)) {
            kept.renewing = Some((generation, renew()));
        }
    }

    /// Whether it is still the kept one.
    pub fn renewed(&mut self, connection: &Connection, generation: u64) -> bool {
        match &mut self.kept {
            Some(kept) if kept.connection.is(connection) => {
                kept.generation = generation;
                kept.due = kept.due.filter(|due| *due != generation);
                kept.renewing = None;
                true
            }
            _ => false,
        }
    }

    pub fn discard(&mut self, connection: &Connection) {
        if self
            .kept
            .as_ref()
            .is_some_and(|kept| kept.connection.is(connection))
        {
            self.kept = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::pool::attempt::ConnectFailure;
    use crate::task;
    use cache_health_provider::SecretString;
    use std::future::pending;

    fn secret(generation: u64) -> Secret {
        Secret {
            user: "default".to_owned(),
            password: Arc::new(SecretString::from(generation.to_string())),
            generation,
        }
    }

    fn endless() -> Attempt {
        let task = tokio::spawn(pending::<Result<Connection, ConnectFailure>>());
        task::shared(task, || unreachable!("it does not end"))
    }

    #[test]
    fn an_old_secret_is_not_tried_beside_the_newest() {
        let mut entry = Entry::default();
        for (given, tried) in [(1, 1), (2, 2), (1, 2), (3, 3), (2, 3)] {
            assert_eq!(entry.newest(secret(given)).generation, tried);
        }
    }

    #[tokio::test]
    async fn an_attempt_that_ends_is_not_taken_for_the_one_that_followed_it() {
        let mut entry = Entry::default();
        entry.started(endless(), Arc::default(), 1, 10);
        entry.started(endless(), Arc::default(), 1, 11);
        entry.ended(10);
        assert!(entry.under_way(1).is_some());
        assert!(entry.under_way(2).is_none(), "of another secret");
        entry.ended(11);
        assert!(entry.under_way(1).is_none());
    }
}
