//! What a component writes to its standard output and error: lines of the host's log, marked, and bounded. Somebody else
//! wrote them: only what can be printed is kept, and who writes without end loses lines, and not the log.

use crate::clock;
use cache_health_provider::rate::{Caller, RateLimit};
use cache_health_report::evidence::printable;
use parking_lot::Mutex;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::AsyncWrite;
use tracing::{info, warn};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};

/// The longest line that is kept, in bytes and in characters; the rest of it is left out.
const MAX_LINE: usize = 1024;
/// The lines of all instances that are logged at once.
const LINES_AT_ONCE: u32 = 64;
/// And then, each second.
const LINES_PER_SECOND: u32 = 16;

/// How much of what components write is logged.
pub struct Written {
    limit: RateLimit,
    left_out: u64,
}

impl Written {
    /// For all instances of a component.
    pub fn shared() -> Arc<Mutex<Self>> {
        Arc::new(Mutex::new(Self {
            limit: RateLimit::new(LINES_AT_ONCE, LINES_PER_SECOND),
            left_out: 0,
        }))
    }

    /// Whether a line may be logged, and how many were left out before it.
    fn admit(&mut self) -> Option<u64> {
        if self.limit.take(Caller::Request, clock::now()).is_err() {
            self.left_out += 1;
            return None;
        }
        Some(std::mem::take(&mut self.left_out))
    }
}

/// A standard stream of an instance.
pub struct Output {
    /// `stdout` or `stderr`.
    pub stream: &'static str,
    /// What bounds it.
    pub written: Arc<Mutex<Written>>,
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(Lines {
            stream: self.stream,
            written: Arc::clone(&self.written),
            line: Vec::new(),
        })
    }
}

/// Makes lines of what is written.
struct Lines {
    stream: &'static str,
    written: Arc<Mutex<Written>>,
    line: Vec<u8>,
}

impl Lines {
    fn take(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let text = part.strip_suffix(b"\n").unwrap_or(part);
            let room = MAX_LINE.saturating_sub(self.line.len());
            self.line.extend_from_slice(&text[..text.len().min(room)]);
            if text.len() < part.len() {
                self.log();
            }
        }
    }

    fn log(&mut self) {
        let line = std::mem::take(&mut self.line);
        let line = printable(String::from_utf8_lossy(&line).into_owned(), MAX_LINE);
        if line.trim().is_empty() {
            return;
        }
        let Some(left_out) = self.written.lock().admit() else {
            return;
        };
        if left_out > 0 {
            warn!(lines = left_out, "the component wrote more than is logged");
        }
        info!(stream = self.stream, line, "the component wrote");
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        // A last line without an end.
        self.log();
    }
}

impl AsyncWrite for Lines {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_that_writes_without_end_loses_lines_which_are_counted() {
        let written = Written::shared();
        let mut written = written.lock();
        let admitted = (0..1000).filter(|_| written.admit().is_some()).count();
        assert!((64..=80).contains(&admitted), "{admitted}");
        assert_eq!(written.left_out, 1000 - admitted as u64);
    }

    #[test]
    fn a_line_is_whole_when_it_ends_and_is_cut_when_it_does_not() {
        let mut lines = Lines {
            stream: "stderr",
            written: Written::shared(),
            line: Vec::new(),
        };
        lines.take(b"one\ntw");
        assert_eq!(lines.line, b"tw");
        lines.take(&[b'x'; 4 * MAX_LINE]);
        assert_eq!(lines.line.len(), MAX_LINE);
        lines.take(b"\n");
        assert!(lines.line.is_empty());
    }
}
