//! The body of an answer, sent piece by piece: what it holds is held until a client took nearly all of it, and not until
//! it was handed to hyper.

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::OwnedSemaphorePermit;

/// The most bytes of a piece. What is no longer than one is short.
const PIECE: usize = 16 * 1024;

/// A body.
#[derive(Default)]
pub struct Body {
    left: Bytes,
    _place: Option<OwnedSemaphorePermit>,
}

impl Body {
    /// Whether it is worth counting while it is sent.
    pub fn is_long(&self) -> bool {
        self.left.len() > PIECE
    }

    /// The same with its place among those that are being sent.
    pub fn holding(self, place: OwnedSemaphorePermit) -> Self {
        Self {
            _place: Some(place),
            ..self
        }
    }
}

impl From<Bytes> for Body {
    fn from(left: Bytes) -> Self {
        Self { left, _place: None }
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left.is_empty() {
            return Poll::Ready(None);
        }
        let piece = self.left.len().min(PIECE);
        let piece = self.left.split_to(piece);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt as _;

    #[tokio::test]
    async fn a_body_comes_whole_and_in_pieces() {
        let bytes = Bytes::from(vec![7; 2 * PIECE + 1]);
        let mut body = Body::from(bytes.clone());
        assert!(body.is_long());
        assert_eq!(body.size_hint().exact(), Some(bytes.len() as u64));
        let first = body.frame().await.expect("a piece").expect("no error");
        assert_eq!(first.into_data().ok().map(|data| data.len()), Some(PIECE));
        let rest = body.collect().await.expect("no error").to_bytes();
        assert_eq!(rest, bytes.slice(PIECE..));
        assert!(Body::default().is_end_stream());
    }
}
