//! Work that goes on by itself, whoever waits for it.

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use tokio::task::JoinHandle;

/// A task that any number of callers may wait for; one who stops waiting does not stop it.
pub type SharedTask<T> = Shared<BoxFuture<'static, T>>;

/// Shares a task's outcome. `broken`: what the outcome is when it panicked, or the runtime is going away.
pub fn shared<T: Clone + Send + Sync + 'static>(
    task: JoinHandle<T>,
    broken: impl FnOnce() -> T + Send + 'static,
) -> SharedTask<T> {
    async move { task.await.unwrap_or_else(|_| broken()) }
        .boxed()
        .shared()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn everybody_has_the_outcome_of_a_task_and_of_one_that_panicked() {
        let task = shared(tokio::spawn(async { 1 }), || 2);
        let other = task.clone();
        assert_eq!((task.await, other.await), (1, 1));
        let task = shared(tokio::spawn(async { panic!("on purpose") }), || 2);
        assert_eq!((task.clone().await, task.await), (2, 2));
    }
}
