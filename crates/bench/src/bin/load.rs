//! The load: clients that ask as fast as they are answered, over one connection each or, as a
//! kubelet's probe does, over a new one per request. Prints one line:
//! `<median> <99th of 100, both in microseconds> <requests per second> <answers other than 200>`.

use anyhow::{Context as _, Result};
use bytes::Bytes;
use clap::Parser;
use http_body_util::{BodyExt as _, Empty};
use hyper::Request;
use hyper::client::conn::http1::{self, SendRequest};
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
    /// Connect for each request.
    #[arg(long)]
    new_connections: bool,
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
                args.new_connections,
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
    let of = |hundredth: usize| times.get(times.len() * hundredth / 100);
    let (median, late) = of(50).zip(of(99)).context("nothing was answered")?;
    println!(
        "{:.1} {:.1} {:.0} {failed}",
        median.as_secs_f64() * 1e6,
        late.as_secs_f64() * 1e6,
        times.len() as f64 / took
    );
    Ok(())
}

async fn client(
    address: String,
    path: String,
    until: Instant,
    new_connections: bool,
) -> Result<(Vec<Duration>, u64)> {
    let mut kept = None;
    let (mut times, mut failed) = (Vec::new(), 0);
    while Instant::now() < until {
        let started = Instant::now();
        let mut sender = match kept.take() {
            Some(sender) => sender,
            None => connect(&address).await?,
        };
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
        kept = (!new_connections).then_some(sender);
    }
    Ok((times, failed))
}

async fn connect(address: &str) -> Result<SendRequest<Empty<Bytes>>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}
