//! Probes, many at a time, and what they were answered.

use super::pause;
use std::fmt;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

/// Clients of each route.
const CLIENTS: usize = 4;
/// How long a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// The pause between two requests of a client: some hundred requests a second in all.
const PAUSE: Duration = Duration::from_millis(15);
/// How long the program may take to start.
const START: Duration = Duration::from_secs(2);

/// A route that is probed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Route {
    /// `/healthz?fresh=1`.
    Fresh,
    /// `/readyz`.
    Ready,
    /// `/livez`.
    Live,
}

impl Route {
    fn path(self) -> &'static str {
        match self {
            Self::Fresh => "/healthz?fresh=1",
            Self::Ready => "/readyz",
            Self::Live => "/livez",
        }
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.path())
    }
}

/// What a probe was answered.
#[derive(Clone, Debug)]
pub struct Answer {
    pub route: Route,
    pub started: Instant,
    pub ended: Instant,
    /// How old what was answered is: the last caller's result may be handed out for a second.
    pub age: Duration,
    /// 200, rather than 503 or nothing.
    pub works: bool,
    /// The start of what was said when it does not.
    pub said: String,
}

impl Answer {
    /// For the table.
    pub fn word(&self) -> &'static str {
        if self.works { "passes" } else { "fails" }
    }
}

/// Starts the clients.
pub fn start<'scope, 'env>(
    scope: &'scope Scope<'scope, 'env>,
    port: u16,
    leave: &'env AtomicBool,
) -> Vec<ScopedJoinHandle<'scope, Vec<Answer>>> {
    [Route::Fresh, Route::Ready, Route::Live]
        .into_iter()
        .flat_map(|route| std::iter::repeat_n(route, CLIENTS))
        .map(|route| scope.spawn(move || probe(route, port, leave)))
        .collect()
}

fn probe(route: Route, port: u16, leave: &AtomicBool) -> Vec<Answer> {
    pause(START, leave);
    let mut answers = Vec::new();
    while !leave.load(Ordering::SeqCst) {
        let started = Instant::now();
        let said = get(port, route.path()).unwrap_or_else(|error| error.to_string());
        let works = said.starts_with("HTTP/1.1 200");
        answers.push(Answer {
            route,
            started,
            ended: Instant::now(),
            age: age(&said),
            works,
            said: if works {
                String::new()
            } else {
                first_words(&said)
            },
        });
        std::thread::sleep(PAUSE);
    }
    answers
}

fn get(port: u16, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(
        format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").as_bytes(),
    )?;
    let mut said = String::new();
    stream.read_to_string(&mut said)?;
    Ok(said)
}

/// The age in a report; zero where there is none.
fn age(said: &str) -> Duration {
    let rest = said.split("\"ageSeconds\":").nth(1).unwrap_or_default();
    let number = rest.split([',', '}']).next().unwrap_or_default();
    number
        .trim()
        .parse()
        .map_or(Duration::ZERO, Duration::from_secs_f64)
}

/// Enough of an answer to know what it was about.
fn first_words(said: &str) -> String {
    let body = said.split("\r\n\r\n").nth(1).unwrap_or(said);
    let output = body.split("\"output\":\"").nth(1).unwrap_or(body);
    output.chars().take(120).collect()
}
