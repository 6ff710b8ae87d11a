//! What Prometheus is told: the text itself, and a real Prometheus.

mod probe;
mod prometheus;
mod scrape;
