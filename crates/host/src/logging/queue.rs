//! A bounded queue of log lines, and the thread that writes them. A full queue loses lines, never time.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};
use tracing_subscriber::fmt::MakeWriter;

/// The most lines that wait to be written.
const MAX_LINES: usize = 1024;
/// The longest line, in bytes; the rest is cut off. One of ours has at most two kilobytes, and a log reader
/// that stopped must not cost more memory than this times the lines.
const MAX_LINE: usize = 4 * 1024;
/// How often to try again to get the last word into a full queue.
const TRY_AGAIN: Duration = Duration::from_millis(5);

enum Entry {
    Line(Vec<u8>),
    /// Everything before it is written.
    Written(SyncSender<()>),
}

/// The queue.
#[derive(Clone)]
pub struct Queue {
    lines: SyncSender<Entry>,
    dropped: Arc<AtomicU64>,
}

impl Queue {
    /// A queue whose lines go to standard error. `json`: whether the lines are.
    ///
    /// The writer has a descriptor of its own, and so never holds the lock of Rust's standard error while it
    /// waits.
    pub fn to_standard_error(json: bool) -> io::Result<Self> {
        let stderr = io::stderr().as_fd().try_clone_to_owned()?;
        Self::to(File::from(stderr), json)
    }

    fn to(out: impl Write + Send + 'static, json: bool) -> io::Result<Self> {
        let (lines, queue) = sync_channel(MAX_LINES);
        let dropped = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&dropped);
        std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || write_for_ever(&queue, out, &counted, json))?;
        Ok(Self { lines, dropped })
    }

    /// Waits until everything is written, this long at most.
    pub fn finish(&self, limit: Duration) {
        let until = Instant::now() + limit;
        let (written, wait) = sync_channel(1);
        let mut last = Entry::Written(written);
        while let Err(TrySendError::Full(entry)) = self.lines.try_send(last) {
            if Instant::now() >= until {
                return;
            }
            last = entry;
            std::thread::sleep(TRY_AGAIN);
        }
        let _ = wait.recv_timeout(until.saturating_duration_since(Instant::now()));
    }
}

impl Write for &Queue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut kept = line[..line.len().min(MAX_LINE)].to_vec();
        if kept.len() < line.len() {
            kept.push(b'\n');
        }
        if self.lines.try_send(Entry::Line(kept)).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Queue {
    type Writer = &'a Queue;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

/// Writes until nobody is left to log. A line that cannot be written counts as dropped; how many were is said
/// as soon as one can be.
fn write_for_ever(queue: &Receiver<Entry>, mut out: impl Write, dropped: &AtomicU64, json: bool) {
    while let Ok(entry) = queue.recv() {
        let line = match entry {
            Entry::Line(line) => line,
            Entry::Written(written) => {
                // Who waited has left.
                let _ = written.try_send(());
                continue;
            }
        };
        let lost = dropped.load(Ordering::Relaxed);
        if lost > 0 && out.write_all(notice(lost, json).as_bytes()).is_ok() {
            dropped.fetch_sub(lost, Ordering::Relaxed);
        }
        if out.write_all(&line).is_err() {
            dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn notice(lost: u64, json: bool) -> String {
    let said = "log lines were dropped: nobody took them";
    if json {
        format!(r#"{{"level":"WARN","message":"{said}","lines":{lost},"target":"cache_health"}}"#)
            + "\n"
    } else {
        format!(" WARN {said} lines={lost}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Sender, channel};

    const PATIENCE: Duration = Duration::from_secs(10);

    /// Takes a line whenever it is allowed to, and fails with what it is told to.
    struct Reader {
        asked: Sender<()>,
        allowed: Receiver<io::Result<()>>,
        taken: Sender<String>,
    }

    /// The other side of it.
    struct Log {
        /// It has a line, and waits.
        asked: Receiver<()>,
        allow: Sender<io::Result<()>>,
        lines: Receiver<String>,
    }

    impl Write for Reader {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            let _ = self.asked.send(());
            self.allowed.recv().unwrap_or(Ok(()))?;
            let _ = self.taken.send(String::from_utf8_lossy(line).into_owned());
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn queue() -> (Queue, Log) {
        let ((asks, asked), (allow, allowed), (taken, lines)) = (channel(), channel(), channel());
        let reader = Reader {
            asked: asks,
            allowed,
            taken,
        };
        let queue = Queue::to(reader, true).expect("a thread");
        let log = Log {
            asked,
            allow,
            lines,
        };
        (queue, log)
    }

    #[test]
    fn a_reader_that_stops_costs_lines_and_is_told_how_many() {
        let (queue, log) = queue();
        let write = |number: usize| {
            let line = format!("{number}\n");
            (&queue).write_all(line.as_bytes()).expect("no wait");
        };
        write(0);
        log.asked.recv_timeout(PATIENCE).expect("it has the line");
        let written = 2 * MAX_LINES;
        (1..written).for_each(write);
        let lost = written - 1 - MAX_LINES;
        drop(log.allow);
        queue.finish(PATIENCE);
        let said: Vec<String> = log.lines.try_iter().collect();
        assert_eq!(said.len(), written - lost + 1);
        let notices: Vec<_> = said
            .iter()
            .filter(|line| line.contains("dropped"))
            .collect();
        assert_eq!(notices.len(), 1, "{notices:?}");
        assert!(
            notices[0].contains(&format!("\"lines\":{lost}")),
            "{notices:?}"
        );
    }

    #[test]
    fn a_full_disk_costs_lines_and_nothing_else() {
        let (queue, log) = queue();
        log.allow
            .send(Err(io::ErrorKind::StorageFull.into()))
            .expect("it listens");
        (&queue).write_all(b"lost\n").expect("no error");
        queue.finish(PATIENCE);
        drop(log.allow);
        (&queue).write_all(b"kept\n").expect("no error");
        queue.finish(PATIENCE);
        let said: Vec<String> = log.lines.try_iter().collect();
        assert!(said.iter().any(|line| line == "kept\n"), "{said:?}");
        assert!(!said.iter().any(|line| line == "lost\n"), "{said:?}");
        assert!(said.iter().any(|line| line.contains("dropped")), "{said:?}");
    }

    #[test]
    fn the_end_does_not_wait_for_a_reader_that_stopped() {
        let (queue, _log) = queue();
        for _ in 0..=MAX_LINES {
            (&queue).write_all(b"line\n").expect("no wait");
        }
        let started = Instant::now();
        queue.finish(Duration::from_millis(50));
        assert!(started.elapsed() < PATIENCE);
    }
}
