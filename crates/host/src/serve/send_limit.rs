//! A client that takes its answers: one that asks and does not read, or reads a byte now and then, would pin what it
//! asked for.

use std::future::Future as _;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// A stream whose answers have to be taken in time.
pub struct SendLimit<S> {
    inner: S,
    limit: Duration,
    /// Since the first write of an answer that had to wait.
    late: Option<Pin<Box<Sleep>>>,
}

impl<S> SendLimit<S> {
    /// An answer may take this long from when the system takes no more of it.
    pub fn new(inner: S, limit: Duration) -> Self {
        Self {
            inner,
            limit,
            late: None,
        }
    }

    /// What a write came to, or an error where the answer has been waiting for too long.
    fn in_time(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            return written;
        }
        let limit = self.limit;
        let late = self
            .late
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        ready!(late.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for SendLimit<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for SendLimit<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.in_time(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(context, bytes);
        self.in_time(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    /// hyper flushes once all of an answer was written.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.late = None;
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

    const ANSWER: [u8; 64] = [7; 64];

    #[tokio::test]
    async fn a_client_that_reads_a_byte_now_and_then_is_given_up() {
        let (mut client, server) = tokio::io::duplex(1);
        let reads = tokio::spawn(async move {
            let mut byte = [0];
            while client.read_exact(&mut byte).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        let mut server = SendLimit::new(server, Duration::from_millis(30));
        let written = server.write_all(&ANSWER).await;
        assert_eq!(
            written.map_err(|error| error.kind()),
            Err(io::ErrorKind::TimedOut)
        );
        drop(server);
        reads.await.expect("the client ends");
    }

    #[tokio::test]
    async fn a_client_that_takes_each_answer_in_time_has_as_many_as_it_likes() {
        let (mut client, server) = tokio::io::duplex(1);
        let reads = tokio::spawn(async move {
            let mut all = Vec::new();
            client.read_to_end(&mut all).await.map(|_| all.len())
        });
        let mut server = SendLimit::new(server, Duration::from_secs(60));
        for _ in 0..2 {
            server.write_all(&ANSWER).await.expect("it is read");
            server.flush().await.expect("it is read");
            assert!(server.late.is_none());
        }
        drop(server);
        let read = reads.await.expect("the client ends").expect("no error");
        assert_eq!(read, 2 * ANSWER.len());
    }
}
