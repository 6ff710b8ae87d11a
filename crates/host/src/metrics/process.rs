//! The program itself, by the names that every Prometheus client gives them.

use crate::clock;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use rustix::time::{ClockId, clock_gettime};
use std::fmt;

/// Reads `/proc` with each scrape.
#[derive(Debug)]
pub struct ProcessCollector {
    /// In seconds since 1970-01-01T00:00:00Z.
    started: f64,
}

impl ProcessCollector {
    /// Of this process, which started just now.
    pub fn new() -> Self {
        Self {
            started: clock::wall().as_secs_f64(),
        }
    }
}

impl Collector for ProcessCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let cpu = clock_gettime(ClockId::ProcessCPUTime);
        let cpu = cpu.tv_sec as f64 + cpu.tv_nsec as f64 / 1e9;
        let help = "CPU time of this program in seconds";
        let family =
            encoder.encode_descriptor("process_cpu_seconds", help, None, MetricType::Counter)?;
        ConstCounter::new(cpu).encode(family)?;
        let help = "When this program started, in seconds since 1970";
        gauge(
            &mut encoder,
            "process_start_time_seconds",
            help,
            Some(self.started),
        )?;
        let help = "Resident memory of this program in bytes";
        gauge(
            &mut encoder,
            "process_resident_memory_bytes",
            help,
            resident(),
        )?;
        let help = "Open file descriptors of this program";
        gauge(&mut encoder, "process_open_fds", help, descriptors())
    }
}

fn gauge(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    value: Option<f64>,
) -> fmt::Result {
    let Some(value) = value else { return Ok(()) };
    let family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    ConstGauge::new(value).encode(family)
}

fn resident() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: f64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kilobytes * 1024.0)
}

fn descriptors() -> Option<f64> {
    // One of them is the folder's own.
    let open = std::fs::read_dir("/proc/self/fd").ok()?.count();
    Some(open.saturating_sub(1) as f64)
}
