//! A stream that will not be read for ever: whoever answers may be hostile, and the parser above
//! keeps what it reads until a reply is complete.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The most that is read after a command was written, in bytes. The longest reply that is meant is
/// a value of one kilobyte; somebody else's value under the same key may be longer.
const MOST: usize = 64 * 1024;

/// A stream of replies to commands.
pub struct ReplyLimit<S> {
    inner: S,
    read: usize,
}

impl<S> ReplyLimit<S> {
    /// Nothing read yet.
    pub fn new(inner: S) -> Self {
        Self { inner, read: 0 }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for ReplyLimit<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.read > MOST {
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?;
        self.read += buffer.filled().len() - before;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for ReplyLimit<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        // A command: its reply counts from nothing.
        self.read = 0;
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    #[tokio::test]
    async fn a_reply_that_does_not_end_is_an_error_and_a_command_starts_a_new_one() {
        let (near, mut far) = tokio::io::duplex(MOST * 4);
        let mut near = ReplyLimit::new(near);
        far.write_all(&vec![b'x'; MOST * 3]).await.expect("room");
        let mut block = vec![0; MOST];
        near.read_exact(&mut block).await.expect("within the limit");
        near.write_all(b"GET").await.expect("room");
        near.read_exact(&mut block).await.expect("within the limit");
        let mut rest = Vec::new();
        let error = near.read_to_end(&mut rest).await.expect_err("past it");
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert!(rest.len() <= MOST * 2);
    }
}
