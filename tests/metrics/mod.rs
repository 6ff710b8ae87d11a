//! What Prometheus is told: the text itself, and a real Prometheus.

mod prometheus;
mod scrape;
