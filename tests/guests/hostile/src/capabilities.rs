//! What a guest can pass to the capabilities, and nobody should.

use crate::bindings::cache_health::capabilities::credentials::{self, Credential};
use crate::bindings::cache_health::capabilities::redis::{ConnectOptions, Connection};
use crate::bindings::cache_health::capabilities::settings::{self, Failure};
use std::fmt::{Display, Write as _};
use std::future::Future as _;
use std::pin::pin;
use std::task::{Context, Waker};

/// As patient as a number can be.
const FOR_EVER: u64 = u64::MAX;
/// How long a storm lasts, in nanoseconds.
const STORM: u64 = 2_000_000_000;
/// The access key, which needs nobody else to be there.
const PRIMARY: u32 = 1;
/// A handle that the host has never given out.
const FORGED: u32 = 0x00ff_fff0;
const FRESH: ConnectOptions = ConnectOptions {
    budget: FOR_EVER,
    new_connection: true,
};

/// Tries everything, and says what came of it.
pub async fn abuse() -> String {
    let mut said = Said::default();
    ask_for_what_is_not_there(&mut said).await;
    let Ok(credential) = Credential::acquire(PRIMARY, FOR_EVER).await else {
        return said.0;
    };
    misuse_a_connection(credential, &mut said).await;
    let Ok(credential) = Credential::acquire(PRIMARY, FOR_EVER).await else {
        return said.0;
    };
    hold_all_connections(&credential, &mut said).await;
    said.0
}

/// What came of each attempt, a line each.
#[derive(Default)]
struct Said(String);

impl Said {
    fn say(&mut self, what: &str, came: impl Display) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "{what}: {came}");
    }
}

async fn ask_for_what_is_not_there(said: &mut Said) {
    said.say("settings", format!("{:?}", settings::get().await));
    let configured = credentials::configured().await;
    said.say("candidates", format!("{configured:?}"));
    let unknown = Credential::acquire(99, FOR_EVER).await;
    let unknown = unknown.map(|_| ()).map_err(|failure| failure.code);
    let unknown = unknown.err().unwrap_or("a credential".to_owned());
    said.say("acquire 99", unknown);
    for candidate in [0, PRIMARY, u32::MAX] {
        let had = Credential::acquire(candidate, 0).await;
        let described = had.map(|credential| credential.describe());
        let what = format!("acquire {candidate} with no time");
        said.say(&what, format!("{described:?}"));
    }
}

async fn misuse_a_connection(credential: Credential, said: &mut Said) {
    let no_time = ConnectOptions {
        budget: 0,
        new_connection: true,
    };
    let failed = Connection::connect(&credential, no_time).await;
    let failed = failed.err().map_or("connected".into(), |f| f.failure.code);
    said.say("connect with no time", failed);

    let Ok(connection) = Connection::connect(&credential, FRESH).await else {
        return;
    };
    said.say("session", format!("{:?}", connection.session()));
    for (what, value, ttl) in [
        ("set with no time to live", b"ok".to_vec(), 0),
        ("set of 1025 bytes", vec![b'x'; 1025], 60),
        ("set that lives for ever", b"ok".to_vec(), u32::MAX),
        ("set of NUL bytes", vec![0; 3], 60),
    ] {
        said.say(what, outcome(connection.set(value, ttl, FOR_EVER).await));
    }
    let got = connection.get(FOR_EVER).await.ok().flatten();
    let got = got.map_or(0, |value| value.len());
    said.say("get", format!("{got} bytes"));

    // Calls that are begun and not waited for.
    let mut dropped = 0;
    for _ in 0..64 {
        let mut call = pin!(connection.get(FOR_EVER));
        let _ = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        dropped += 1;
    }
    said.say("calls that were dropped", dropped);

    drop(credential);
    let set = connection.set(b"ok".to_vec(), 60, FOR_EVER).await;
    said.say("after its credential was dropped", outcome(set));
}

async fn hold_all_connections(credential: &Credential, said: &mut Said) {
    let mut held = Vec::new();
    while let Ok(connection) = Connection::connect(credential, FRESH).await {
        held.push(connection);
    }
    said.say("connections held", held.len());
    drop(held);
    let again = Connection::connect(credential, FRESH).await;
    said.say("connections after that", again.iter().count());
}

/// Writes a value that is longer than the host takes in.
pub async fn eight_megabytes() -> String {
    let Ok(credential) = Credential::acquire(PRIMARY, FOR_EVER).await else {
        return "no credential".to_owned();
    };
    match Connection::connect(&credential, FRESH).await {
        Ok(connection) => outcome(connection.set(vec![b'x'; 8 << 20], 60, FOR_EVER).await),
        Err(failure) => failure.failure.code,
    }
}

/// New connections, one after the other, for as long as a check may take; says how many there were.
pub async fn storm() -> String {
    let Ok(credential) = Credential::acquire(PRIMARY, FOR_EVER).await else {
        return "no credential".to_owned();
    };
    let until = wasi::clocks::monotonic_clock::now() + STORM;
    let mut made = 0;
    while wasi::clocks::monotonic_clock::now() < until {
        let options = ConnectOptions {
            budget: STORM,
            new_connection: true,
        };
        made += u32::from(Connection::connect(&credential, options).await.is_ok());
    }
    format!("{made} connections")
}

/// Asks over the kept connection with no time for an answer.
pub async fn no_time() -> String {
    let Ok(credential) = Credential::acquire(PRIMARY, FOR_EVER).await else {
        return "no credential".to_owned();
    };
    let kept = ConnectOptions {
        budget: FOR_EVER,
        new_connection: false,
    };
    let mut said = String::new();
    for budget in [0, 1, 1_000_000] {
        match Connection::connect(&credential, kept).await {
            Ok(connection) => {
                let set = connection.set(b"ok".to_vec(), 60, budget).await;
                let _ = writeln!(said, "{budget}: {}", outcome(set));
            }
            Err(failure) => drop(writeln!(said, "{budget}: {}", failure.failure.code)),
        }
    }
    said
}

/// Uses a handle that was never given out.
pub fn forge() {
    #[expect(unsafe_code, reason = "it is what this component is for")]
    // SAFETY: none; the host has to tell.
    let forged = unsafe { Connection::from_handle(FORGED) };
    let _ = forged.session();
}

/// Drops a handle that is already gone.
pub async fn drop_twice() {
    if let Ok(credential) = Credential::acquire(PRIMARY, FOR_EVER).await {
        let handle = credential.handle();
        drop(credential);
        #[expect(unsafe_code, reason = "it is what this component is for")]
        // SAFETY: none; the host has to tell.
        drop(unsafe { Credential::from_handle(handle) });
    }
}

fn outcome(result: Result<(), Failure>) -> String {
    result.err().map_or("ok".to_owned(), |failure| failure.code)
}
