//! The load: keep-alive clients that ask as fast as they are answered. Prints one line:
//! `<median in microseconds> <requests per second> <answers other than 200>`.

use anyhow::{Context as _, Result};
use bytes::Bytes;
use clap::Parser;
use http_body_util::{BodyExt as _, Empty};
use hyper::Request;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

#[derive(Parser)]
struct Args {
    /// `host:port`.
    address: String,
    /// The path to ask for.
    path: String,
    #[arg(long, default_value_t = 1)]
    clients: usize,
    #[arg(long, default_value_t = 3000)]
    milliseconds: u64,
}

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse();
    let length = Duration::from_millis(args.milliseconds);
    let started = Instant::now();
    let clients: Vec<_> = (0..args.clients)
        .map(|_| {
            tokio::spawn(client(
                args.address.clone(),
                args.path.clone(),
                started + length,
            ))
        })
        .collect();
    let (mut times, mut failed) = (Vec::new(), 0);
    for client in clients {
        let (some, others) = client.await??;
        times.extend(some);
        failed += others;
    }
    let took = started.elapsed().as_secs_f64();
    times.sort_unstable();
    let median = times.get(times.len() / 2).context("nothing was answered")?;
    println!(
        "{:.1} {:.0} {failed}",
        median.as_secs_f64() * 1e6,
        times.len() as f64 / took
    );
    Ok(())
}

async fn client(address: String, path: String, until: Instant) -> Result<(Vec<Duration>, u64)> {
    let stream = TcpStream::connect(&address).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let (mut times, mut failed) = (Vec::new(), 0);
    while Instant::now() < until {
        let started = Instant::now();
        let request = Request::get(&path)
            .header("host", &address)
            .body(Empty::<Bytes>::new())?;
        sender.ready().await?;
        let response = sender.send_request(request).await?;
        if response.status() != 200 {
            failed += 1;
        }
        response.into_body().collect().await?;
        times.push(started.elapsed());
    }
    Ok((times, failed))
}
