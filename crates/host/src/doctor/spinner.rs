//! Something that moves while somebody waits, on a terminal that can show it, and nothing anywhere else.

use crate::terminal::Style;
use parking_lot::Mutex;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

const FRAMES: [char; 8] = [
    '\u{28fe}', '\u{28fd}', '\u{28fb}', '\u{28bf}', '\u{287f}', '\u{28df}', '\u{28ef}', '\u{28f7}',
];
const FRAME: Duration = Duration::from_millis(100);
/// Back to the start of the line, and nothing left on it.
const CLEAR: &str = "\r\u{1b}[2K";
/// The most characters of what is said beside it.
const MOST: usize = 70;

/// Something that moves.
pub struct Spinner {
    said: Arc<Mutex<String>>,
    task: Option<JoinHandle<()>>,
}

impl Spinner {
    /// Starts moving, where that can be shown.
    pub fn start(style: Style) -> Self {
        let said = Arc::new(Mutex::new("checking".to_owned()));
        let says = Arc::clone(&said);
        let task = style.moves().then(|| {
            tokio::spawn(async move {
                for frame in FRAMES.iter().cycle() {
                    show(&format!("{CLEAR}{frame} {}", says.lock()));
                    tokio::time::sleep(FRAME).await;
                }
            })
        });
        Self { said, task }
    }

    /// Says what is in the way.
    pub fn say(&self, sentence: &str) {
        *self.said.lock() = sentence.chars().take(MOST).collect();
    }

    /// Leaves the line to somebody else, for good.
    pub fn clear(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
            show(CLEAR);
        }
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        self.clear();
    }
}

fn show(text: &str) {
    let mut out = std::io::stderr().lock();
    // A terminal that is gone shows nothing.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
