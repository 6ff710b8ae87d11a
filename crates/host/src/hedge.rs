//! A second attempt beside the first.

use futures::future::{Either, select};
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

/// Makes an attempt, and another beside it when the first has not ended after `patience`. The first to end
/// decides. The attempts are numbered from zero.
///
/// Giving the first one up instead would make an endpoint that takes a second longer than the patience one
/// that never answers.
pub async fn hedged<F: Future>(
    patience: Duration,
    mut attempt: impl FnMut(usize) -> F,
) -> F::Output {
    let mut first = pin!(attempt(0));
    if let Ok(output) = tokio::time::timeout(patience, first.as_mut()).await {
        return output;
    }
    match select(first, pin!(attempt(1))).await {
        Either::Left((output, _)) | Either::Right((output, _)) => output,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::future::{pending, ready};
    use tokio::sync::Notify;

    const HOUR: Duration = Duration::from_secs(3600);

    #[tokio::test]
    async fn an_attempt_that_ends_in_time_is_the_only_one() {
        let attempts = Cell::new(0);
        let attempt = |number| {
            attempts.set(attempts.get() + 1);
            ready(number)
        };
        assert_eq!(hedged(HOUR, attempt).await, 0);
        assert_eq!(attempts.get(), 1);
    }

    #[tokio::test]
    async fn an_attempt_that_is_lost_is_not_waited_for() {
        let attempt = async |number| match number {
            0 => pending().await,
            _ => number,
        };
        assert_eq!(hedged(Duration::ZERO, attempt).await, 1);
    }

    #[tokio::test]
    async fn an_attempt_that_is_slow_is_not_given_up() {
        // The first ends once the second has begun, and the second never does.
        let begun = Notify::new();
        let attempt = async |number| {
            if number == 0 {
                begun.notified().await;
                return number;
            }
            begun.notify_one();
            pending().await
        };
        assert_eq!(hedged(Duration::ZERO, attempt).await, 0);
    }
}
