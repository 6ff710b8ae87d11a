//! What the load finds.

use crate::image;
use anyhow::{Result, bail};
use std::process::{Command, Stdio};

/// What one load found. Times are in microseconds.
#[derive(Clone, Copy)]
pub struct Found {
    /// The median.
    pub p50: f64,
    /// The 99th of a hundred.
    pub p99: f64,
    /// Answers with 200.
    pub per_second: f64,
}

/// How much is asked.
#[derive(Clone, Copy)]
pub struct Load {
    /// Clients at once, each of which asks as fast as it is answered.
    pub clients: u32,
    /// A connection for each request, as a kubelet's probe makes one.
    pub new_connections: bool,
    /// For how long.
    pub milliseconds: u32,
}

impl Load {
    /// Asks for this path.
    pub fn run(self, address: &str, path: &str) -> Result<Found> {
        let mut command = Command::new(image::built("load"));
        command
            .args([address, path])
            .args(["--clients", &self.clients.to_string()])
            .args(["--milliseconds", &self.milliseconds.to_string()]);
        if self.new_connections {
            command.arg("--new-connections");
        }
        let output = command.stderr(Stdio::inherit()).output()?;
        let text = String::from_utf8(output.stdout)?;
        let numbers = text.split_whitespace().map(str::parse);
        let numbers: Vec<f64> = numbers.collect::<Result<_, _>>()?;
        let [p50, p99, per_second, failed] = numbers[..] else {
            bail!("the load printed {text:?}");
        };
        // One that makes a connection for each probe runs out of them.
        let seconds = f64::from(self.milliseconds) / 1e3;
        let per_second = per_second - failed / seconds;
        Ok(Found {
            p50,
            p99,
            per_second,
        })
    }
}

/// The middle of some values.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
