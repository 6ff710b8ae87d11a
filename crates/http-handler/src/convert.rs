//! The report of `health` in our own words, converted here and nowhere else.

cache_health_report::convert_report!(crate::bindings::cache_health::probe::health);
