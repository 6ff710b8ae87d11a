//! A second attempt beside the first.

use futures::future::{Either, select};
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

/// Makes an attempt, and another beside it when the first has not ended after `patience`. The first to succeed
/// decides. The attempts are numbered from zero.
///
/// Giving the first one up instead would make an endpoint that takes a second longer than the patience one
/// that never answers. One that fails leaves the other as long again: the second may have failed only because there
/// was a first, where so many at once are not allowed.
pub async fn hedged<T, E, F: Future<Output = Result<T, E>>>(
    patience: Duration,
    mut attempt: impl FnMut(usize) -> F,
) -> Result<T, E> {
    let mut first = pin!(attempt(0));
    if let Ok(output) = tokio::time::timeout(patience, first.as_mut()).await {
        return output;
    }
    let second = pin!(attempt(1));
    let (failed, other) = match select(first, second).await {
        Either::Left((Ok(output), _)) | Either::Right((Ok(output), _)) => return Ok(output),
        Either::Left((Err(failed), second)) => (failed, second),
        Either::Right((Err(failed), first)) => (failed, first),
    };
    let other = tokio::time::timeout(patience, other).await;
    other.unwrap_or(Err(failed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::future::{pending, poll_fn, ready};
    use std::task::Poll;
    use tokio::sync::Notify;

    const HOUR: Duration = Duration::from_secs(3600);

    #[tokio::test]
    async fn an_attempt_that_ends_in_time_is_the_only_one() {
        let attempts = Cell::new(0);
        let attempt = |number| {
            attempts.set(attempts.get() + 1);
            ready(Err::<(), _>(number))
        };
        assert_eq!(hedged(HOUR, attempt).await, Err(0));
        assert_eq!(attempts.get(), 1);
    }

    #[tokio::test]
    async fn an_attempt_that_is_lost_is_not_waited_for() {
        let attempt = async |number| match number {
            0 => pending().await,
            _ => Ok::<_, ()>(number),
        };
        assert_eq!(hedged(Duration::ZERO, attempt).await, Ok(1));
    }

    #[tokio::test]
    async fn an_attempt_that_is_slow_is_not_given_up() {
        // The first ends once the second has begun, and the second never does.
        let begun = Notify::new();
        let attempt = async |number| {
            if number == 0 {
                begun.notified().await;
                return Ok::<_, ()>(number);
            }
            begun.notify_one();
            pending().await
        };
        assert_eq!(hedged(Duration::ZERO, attempt).await, Ok(0));
    }

    /// The second attempt fails at once, and the first ends a moment later.
    async fn second_is_refused(first: Result<usize, &'static str>) -> Result<usize, &'static str> {
        let refused = Cell::new(false);
        let attempt = |number| {
            let refused = &refused;
            poll_fn(move |context| {
                if number == 1 {
                    refused.set(true);
                    return Poll::Ready(Err("refused"));
                }
                context.waker().wake_by_ref();
                if refused.get() {
                    Poll::Ready(first)
                } else {
                    Poll::Pending
                }
            })
        };
        hedged(Duration::from_millis(50), attempt).await
    }

    #[tokio::test]
    async fn a_second_attempt_that_is_refused_does_not_end_the_first() {
        assert_eq!(second_is_refused(Ok(0)).await, Ok(0));
        assert_eq!(second_is_refused(Err("first")).await, Err("first"));
    }

    #[tokio::test]
    async fn the_failure_of_one_counts_when_the_other_never_ends() {
        let attempt = async |number| match number {
            0 => pending().await,
            _ => Err::<(), _>(number),
        };
        assert_eq!(hedged(Duration::from_millis(1), attempt).await, Err(1));
    }
}
