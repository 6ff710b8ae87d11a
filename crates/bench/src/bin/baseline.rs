//! What somebody would write without any of this: axum, redis-rs, rustls; SET and GET per request
//! over one kept connection, nothing shared between requests.

use anyhow::Result;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use cache_health_bench::{Answer, answer, client, serve};
use redis::aio::MultiplexedConnection;

#[tokio::main]
async fn main() -> Result<()> {
    let client = client()?;
    let connection = client.get_multiplexed_async_connection().await?;
    let app = Router::new()
        .route("/healthz", get(health))
        .with_state(connection)
        .route("/connect", get(connect))
        .with_state(client);
    serve(app).await
}

/// As redis_exporter does it: a connection of its own for each probe.
async fn connect(State(client): State<redis::Client>) -> Answer {
    match client.get_multiplexed_async_connection().await {
        Ok(connection) => health(State(connection)).await,
        Err(_) => answer(false),
    }
}

async fn health(State(mut connection): State<MultiplexedConnection>) -> Answer {
    let round_trip = async {
        cache_health_bench::set(&mut connection).await?;
        cache_health_bench::get(&mut connection).await
    };
    answer(round_trip.await.unwrap_or(false))
}
