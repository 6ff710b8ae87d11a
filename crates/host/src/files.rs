//! Files that are configured: keys, tokens, certificates of a CA.
//!
//! They can be anything that a path names: a FIFO, a mount that hangs, a device without an end. Each read has
//! a limit of time and one of size and is made on another thread, since the one that runs everything must not
//! wait for a disk. A file has one read at a time, which whoever needs the file joins, so that a mount that
//! hangs costs one thread and not one a check.

use crate::task::{self, SharedTask};
use cache_health_provider::SecretString;
use cache_health_provider::zeroize::Zeroizing;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::task::AbortHandle;

/// How long a read may take. Mounted secrets are in memory.
const READ_LIMIT: Duration = Duration::from_secs(5);
/// The most bytes of a file: a bundle of all public roots has a quarter of this.
pub const MAX_FILE: usize = 1024 * 1024;
/// The most bytes of a file with one secret.
pub const MAX_SECRET: usize = 64 * 1024;

/// Why a file could not be read. The texts go into sentences after the name of a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FileError {
    /// The system says no.
    #[error("cannot be read: {0}")]
    Io(io::ErrorKind),
    /// It has more bytes than are read.
    #[error("cannot be read: it is too long")]
    TooLong,
    /// Its bytes are not UTF-8, or there are none where something has to be.
    #[error("holds no text")]
    NoText,
    /// It did not end in time.
    #[error("cannot be read: it did not answer in time (a FIFO, or a mount that hangs?)")]
    Timeout,
}

/// The bytes of a file; wiped when nobody has them any more.
pub type Contents = Arc<Zeroizing<Vec<u8>>>;

/// A read, and whether it has ended: not whether somebody has seen its end, since whoever waited for it may have gone.
type Reading = (SharedTask<Result<Contents, FileError>>, AbortHandle);

/// The reads under way.
#[derive(Default)]
pub struct Files {
    under_way: Mutex<HashMap<PathBuf, Reading>>,
}

impl Files {
    /// Reads a file of at most `most` bytes, or joins the read under way.
    pub async fn read(&self, path: &Path, most: usize) -> Result<Contents, FileError> {
        let reading = self.join_or_start(path, most);
        tokio::time::timeout(READ_LIMIT, reading)
            .await
            .unwrap_or(Err(FileError::Timeout))
    }

    /// The same as a text, which may be a secret.
    pub async fn text(&self, path: &Path, most: usize) -> Result<SecretString, FileError> {
        let bytes = self.read(path, most).await?;
        let text = std::str::from_utf8(&bytes).map_err(|_| FileError::NoText)?;
        Ok(SecretString::from(text))
    }

    fn join_or_start(&self, path: &Path, most: usize) -> SharedTask<Result<Contents, FileError>> {
        let mut under_way = self.under_way.lock();
        // What ended is not an answer for later callers.
        under_way.retain(|_, (_, task)| !task.is_finished());
        if let Some((reading, _)) = under_way.get(path) {
            return reading.clone();
        }
        let task = {
            let path = path.to_owned();
            tokio::task::spawn_blocking(move || read(&path, most).map(Arc::new))
        };
        let handle = task.abort_handle();
        let reading = task::shared(task, || Err(FileError::Io(io::ErrorKind::Interrupted)));
        under_way.insert(path.to_owned(), (reading.clone(), handle));
        reading
    }
}

fn read(path: &Path, most: usize) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let io = |error: io::Error| FileError::Io(error.kind());
    // Room for all of it from the start: a buffer that grows leaves copies of a secret behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(most + 1));
    let limit = u64::try_from(most + 1).unwrap_or(u64::MAX);
    File::open(path)
        .map_err(io)?
        .take(limit)
        .read_to_end(&mut bytes)
        .map_err(io)?;
    if bytes.len() > most {
        return Err(FileError::TooLong);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    /// A file that nobody has written to yet; it goes with its folder.
    fn fifo() -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("fifo");
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.is_ok_and(|status| status.success()));
        (folder, path)
    }

    #[tokio::test]
    async fn a_file_is_read_up_to_its_limit_and_each_time_anew() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key");
        let files = Files::default();
        assert_eq!(
            files.read(&path, 3).await,
            Err(FileError::Io(io::ErrorKind::NotFound))
        );
        std::fs::write(&path, "one").expect("written");
        assert_eq!(
            files.read(&path, 3).await.map(|b| b.to_vec()),
            Ok(b"one".to_vec())
        );
        std::fs::write(&path, "three").expect("written");
        assert_eq!(files.read(&path, 3).await, Err(FileError::TooLong));
        assert_eq!(
            files.read(Path::new("/dev/zero"), 16).await,
            Err(FileError::TooLong)
        );
    }

    #[tokio::test]
    async fn a_file_that_hangs_costs_its_time_and_one_read_for_all() {
        let (_folder, path) = fifo();
        let files = Files::default();
        let short = Duration::from_millis(20);
        for _ in 0..3 {
            let read = tokio::time::timeout(short, files.read(&path, 16)).await;
            assert!(read.is_err(), "nobody has written yet");
        }
        assert_eq!(files.under_way.lock().len(), 1);
        // Whoever joins now gets what the one read finds.
        let joined = files.read(&path, 16);
        let written = tokio::task::spawn_blocking({
            let path = path.clone();
            move || std::fs::write(path, "late")
        });
        assert_eq!(joined.await.map(|b| b.to_vec()), Ok(b"late".to_vec()));
        written.await.expect("a thread").expect("written");
    }

    #[tokio::test]
    async fn what_was_read_for_somebody_who_has_gone_is_no_answer_later() {
        let (_folder, path) = fifo();
        let files = Files::default();
        let short = Duration::from_millis(20);
        let read = tokio::time::timeout(short, files.read(&path, 16)).await;
        assert!(read.is_err(), "nobody has written yet");
        std::fs::write(&path, "old").expect("the read takes it");
        let ended = async {
            while !files
                .under_way
                .lock()
                .values()
                .all(|(_, task)| task.is_finished())
            {
                tokio::task::yield_now().await;
            }
        };
        let ended = tokio::time::timeout(READ_LIMIT, ended).await;
        assert!(ended.is_ok(), "the read has what it waited for");
        std::fs::remove_file(&path).expect("removed");
        std::fs::write(&path, "new").expect("written");
        let read = files.read(&path, 16).await;
        assert_eq!(read.map(|b| b.to_vec()), Ok(b"new".to_vec()));
    }
}
