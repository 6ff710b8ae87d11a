//! The report of `health` in our own words, converted here and nowhere else.

cache_health_report::convert_report!(
    crate::capabilities::bindings::exports::cache_health::probe::health
);
