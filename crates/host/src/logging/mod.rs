//! Logs on standard error: text on a terminal, JSON lines otherwise.
//!
//! Whoever reads the log may have stopped reading, and the disk behind it may be full. Neither may stop the
//! program: events go through a bounded [`queue`], and what must be said at once is said by [`say`].

mod queue;

use queue::Queue;
use std::io::{IsTerminal as _, Write as _};
use std::sync::mpsc;
use std::time::Duration;
use tracing_subscriber::EnvFilter;

/// What is logged when `RUST_LOG` says nothing.
const DEFAULT_FILTER: &str = "info";
/// How long the end of the program waits for the log.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The log of this process; what is still in the queue is written when this is dropped.
pub struct Log(Option<Queue>);

/// Starts logging. `RUST_LOG` chooses levels; no level shows a secret.
pub fn start() -> Log {
    // A panic's own message goes to standard error too, and must not wait there for ever.
    std::panic::set_hook(Box::new(|panic| say(&panic.to_string())));
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    let terminal = std::io::stderr().is_terminal();
    let Ok(queue) = Queue::to_standard_error(!terminal) else {
        // Standard error is closed: nobody listens.
        return Log(None);
    };
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .log_internal_errors(false)
        .with_writer(queue.clone());
    // Fails only where a log was started before, which goes on.
    let _ = if terminal {
        logs.try_init()
    } else {
        logs.json().flatten_event(true).with_ansi(false).try_init()
    };
    Log(Some(queue))
}

impl Drop for Log {
    fn drop(&mut self) {
        if let Some(queue) = &self.0 {
            queue.finish(LAST_WORDS);
        }
    }
}

/// Says one sentence on standard error at once, past the queue: why the program cannot start, or ends. Does
/// not wait longer than a second for somebody to take it.
pub fn say(sentence: &str) {
    let (done, wait) = mpsc::channel();
    let line = format!("cache-health: {sentence}\n");
    let writing = std::thread::Builder::new().spawn(move || {
        // Who does not read it does not want it.
        let _ = std::io::stderr().write_all(line.as_bytes());
        let _ = done.send(());
    });
    if writing.is_ok() {
        let _ = wait.recv_timeout(LAST_WORDS);
    }
}
