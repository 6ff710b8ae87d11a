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
    use std::future::pending;

    const SECOND: Duration = Duration::from_secs(1);

    /// Attempts that take this long each; the number of the one that was first, and when.
    async fn winner(lengths: [Option<Duration>; 2]) -> (usize, Duration) {
        let started = tokio::time::Instant::now();
        let attempt = |number: usize| async move {
            match lengths[number] {
                Some(length) => tokio::time::sleep(length).await,
                None => pending().await,
            }
            number
        };
        (hedged(SECOND * 5, attempt).await, started.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_attempt_is_not_given_up_and_a_lost_one_not_waited_for() {
        assert_eq!(winner([Some(SECOND), None]).await, (0, SECOND));
        assert_eq!(winner([Some(SECOND * 7), None]).await, (0, SECOND * 7));
        assert_eq!(winner([None, Some(SECOND)]).await, (1, SECOND * 6));
        let slow = Some(SECOND * 7);
        assert_eq!(winner([slow, slow]).await, (0, SECOND * 7));
    }
}
