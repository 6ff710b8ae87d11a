//! How exports to a collector went, counted where they are made.

use crate::telemetry::Exports;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use std::fmt;
use std::sync::Arc;

/// Reads the counts with each scrape.
#[derive(Debug)]
pub struct ExportsCollector(pub Arc<[Exports; 2]>);

impl Collector for ExportsCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Exports of telemetry, and checks that could not be queued for one";
        let mut family = encoder.encode_descriptor("exports", help, None, MetricType::Counter)?;
        for exports in self.0.iter().map(Exports::read) {
            let results = [
                ("ok", exports.sent),
                ("error", exports.failed),
                ("dropped", exports.dropped),
            ];
            for (result, value) in results {
                let labels = [("signal", exports.signal.as_str()), ("result", result)];
                ConstCounter::new(value).encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}
