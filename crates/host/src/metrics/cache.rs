//! What was done at the cache, counted where it is done.

use crate::cache::Counts;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use std::fmt;
use std::sync::Arc;

/// Reads the counts with each scrape.
#[derive(Debug)]
pub struct CacheCollector(pub Arc<Counts>);

impl Collector for CacheCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let connections = (
            "connections",
            "New connections to the cache",
            &self.0.connections,
        );
        let renewals = &self.0.reauthentications;
        let renewals = (
            "reauthentications",
            "New tokens given to a live connection",
            renewals,
        );
        for (name, help, count) in [connections, renewals] {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            for (result, value) in count.read() {
                let labels = [("result", result)];
                let counter = ConstCounter::new(value);
                counter.encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}
