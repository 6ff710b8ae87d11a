//! What there is for each candidate: the kept connection, one that was made beside it, and the
//! attempt under way. No waiting here, and no network.

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
    attempt: Option<(Attempt, Arc<Progress>, u64)>,
}

/// A connection that is kept, and which secrets it goes with.
struct Kept {
    connection: Connection,
    /// The generation of the secret it was last authenticated with.
    generation: u64,
    /// The generation it is being authenticated with.
    renewing: Option<(u64, Renewal)>,
}

impl Entry {
    /// The kept connection, if it goes with this secret; with what to wait for before it is used.
    pub fn kept(&self, generation: u64) -> Option<(Connection, Option<Renewal>)> {
        let kept = self.kept.as_ref()?;
        let renewing_to = kept.renewing.as_ref().map(|(to, _)| *to);
        let goes = kept.generation == generation || renewing_to == Some(generation);
        let renewal = kept.renewing.as_ref().map(|(_, renewal)| renewal.clone());
        goes.then(|| (kept.connection.again(), renewal))
    }

    /// The kept connection, whatever secret it goes with.
    pub fn any_kept(&self) -> Option<Connection> {
        self.kept.as_ref().map(|kept| kept.connection.clone())
    }

    /// The attempt under way with this secret. One that is over without having said so panicked.
    pub fn under_way(&self, generation: u64) -> Option<(Attempt, Arc<Progress>)> {
        let (attempt, progress, of) = self.attempt.as_ref()?;
        let same = *of == generation && attempt.peek().is_none();
        same.then(|| (attempt.clone(), Arc::clone(progress)))
    }

    pub fn started(&mut self, attempt: Attempt, progress: Arc<Progress>, generation: u64) {
        self.attempt = Some((attempt, progress, generation));
    }

    /// Only if it is still this one's: a newer secret may have started another.
    pub fn ended(&mut self, generation: u64) {
        if self
            .attempt
            .as_ref()
            .is_some_and(|(_, _, of)| *of == generation)
        {
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
            renewing: None,
        });
    }

    pub fn renewing(&mut self, generation: u64, renewal: Renewal) {
        if let Some(kept) = &mut self.kept {
            kept.renewing = Some((generation, renewal));
        }
    }

    /// Whether it is still the kept one.
    pub fn renewed(&mut self, connection: &Connection, generation: u64) -> bool {
        match &mut self.kept {
            Some(kept) if kept.connection.is(connection) => {
                kept.generation = generation;
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
