//! A host that follows a script, with a clock of its own: for the tests of the pure parts.

use crate::capabilities::{
    AuthPolicy, Candidate, Capabilities, ConnectFailure, CredentialFacts, Origin, Session, Settings,
};
use cache_health_diagnosis::Spelling;
use cache_health_report::{AuthMethod, Evidence, Failure, Step};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::{pending, poll_fn};
use std::task::Poll;
use std::time::Duration;

/// What a call does: take this long and return this, or never return.
#[derive(Clone, Debug)]
pub enum Act<T> {
    Return(T),
    Hang,
}

/// What the calls of one function do, one after the other.
pub type Acts<T> = RefCell<VecDeque<Act<T>>>;

/// The host. Each queue is used up call by call; the last act of a queue repeats.
pub struct ScriptedHost {
    pub clock: Cell<Duration>,
    pub settings: Settings,
    pub candidates: Vec<Candidate>,
    pub acquire: Acts<Result<CredentialFacts, Failure>>,
    pub connect: Acts<Result<Session, ConnectFailure>>,
    pub set: Acts<Result<(), Failure>>,
    pub get: Acts<Result<Option<Vec<u8>>, Failure>>,
    pub checks: Cell<u32>,
    pub asked: RefCell<Vec<u32>>,
    pub budgets: RefCell<Vec<Duration>>,
}

/// How long each call takes.
pub const CALL: Duration = Duration::from_millis(1);

impl ScriptedHost {
    /// A host on which everything works, with these candidates.
    pub fn new(methods: &[AuthMethod]) -> Self {
        let candidate = |(id, method): (usize, &AuthMethod)| Candidate {
            id: u32::try_from(id).expect("few"),
            method: *method,
            label: if id == 2 {
                "secondary".into()
            } else {
                "first".into()
            },
        };
        Self {
            clock: Cell::new(Duration::from_secs(100)),
            settings: Settings {
                auth: AuthPolicy::Auto,
                deadline: Duration::from_secs(4),
                max_age: Duration::from_secs(10),
                host: "c.redis.cache.windows.net".into(),
                port: 6380,
                health_key: "health".into(),
                spelling: Spelling::Environment,
                warnings: Vec::new(),
            },
            candidates: methods.iter().enumerate().map(candidate).collect(),
            acquire: queue(Ok(CredentialFacts {
                principal: None,
                expires_at: None,
                renewal_failure: None,
                evidence: Evidence::new(),
            })),
            connect: queue(Ok(Session {
                steps: vec![(Step::Dns, CALL)],
                origin: Origin::New,
                tls: None,
                evidence: Evidence::new(),
            })),
            set: queue(Ok(())),
            get: queue(Ok(Some(b"ok".to_vec()))),
            checks: Cell::new(0),
            asked: RefCell::default(),
            budgets: RefCell::default(),
        }
    }

    pub fn elapse(&self, time: Duration) {
        self.clock.set(self.clock.get() + time);
    }

    async fn act<T: Clone>(&self, queue: &Acts<T>) -> T {
        let act = {
            let mut queue = queue.borrow_mut();
            match queue.len() {
                1 => queue.front().cloned(),
                _ => queue.pop_front(),
            }
        };
        yield_once().await;
        match act.expect("an act") {
            Act::Return(value) => {
                self.elapse(CALL);
                value
            }
            Act::Hang => pending().await,
        }
    }
}

/// As a call that leaves the component does: others get a turn.
async fn yield_once() {
    let mut yielded = false;
    poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

pub fn queue<T>(value: T) -> Acts<T> {
    RefCell::new(VecDeque::from([Act::Return(value)]))
}

pub fn acts<T>(acts: Vec<Act<T>>) -> Acts<T> {
    RefCell::new(acts.into())
}

impl Capabilities for ScriptedHost {
    type Credential = CredentialFacts;
    type Connection = Session;

    async fn settings(&self) -> Result<Settings, Failure> {
        Ok(self.settings.clone())
    }

    async fn candidates(&self) -> Vec<Candidate> {
        self.checks.set(self.checks.get() + 1);
        self.candidates.clone()
    }

    async fn acquire(&self, candidate: u32, budget: Duration) -> Result<CredentialFacts, Failure> {
        self.asked.borrow_mut().push(candidate);
        self.budgets.borrow_mut().push(budget);
        self.act(&self.acquire).await
    }

    fn facts(&self, credential: &CredentialFacts) -> CredentialFacts {
        credential.clone()
    }

    async fn connect(
        &self,
        _credential: &CredentialFacts,
        _budget: Duration,
        _new_connection: bool,
    ) -> Result<Session, ConnectFailure> {
        self.act(&self.connect).await
    }

    fn session(&self, connection: &Session) -> Session {
        connection.clone()
    }

    async fn set(
        &self,
        _connection: &Session,
        _value: &[u8],
        _ttl_seconds: u32,
        _budget: Duration,
    ) -> Result<(), Failure> {
        self.act(&self.set).await
    }

    async fn get(
        &self,
        _connection: &Session,
        _budget: Duration,
    ) -> Result<Option<Vec<u8>>, Failure> {
        self.act(&self.get).await
    }

    fn now(&self) -> Duration {
        self.clock.get()
    }

    fn wall_clock(&self) -> i64 {
        1_795_597_200
    }

    /// Lets everything else go first; then the time is up.
    async fn wait(&self, duration: Duration) {
        let until = self.clock.get() + duration;
        let mut turns = 0;
        poll_fn(|context| {
            turns += 1;
            if turns <= 8 {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            self.clock.set(self.clock.get().max(until));
            Poll::Ready(())
        })
        .await;
    }
}
