//! The health component: can this app really use its cache, and if not, which step is broken?
//!
//! It carries the logic and no network, no secret, no vendor's client. Data flows one way:
//! [`check`] makes the [`observations`] through [`capabilities`], [`verdict`] judges them, [`flight`]
//! lets callers at the same time share one check. The words of a finding are `cache-health-diagnosis`. The world it lives in is `wit/world.wit`.

mod attempt;
mod bindings;
mod capabilities;
mod check;
mod convert;
mod deadline;
mod flight;
mod history;
mod host;
mod observations;
mod policy;
#[cfg(test)]
mod scripted_host;
mod verdict;

use bindings::exports::cache_health::probe::health::{CheckOptions, Guest, Report};

struct Component;

impl Guest for Component {
    async fn check(options: CheckOptions) -> Report {
        let asked = convert::asked(options);
        convert::report_to_wit(flight::check(&host::Host, asked).await)
    }
}
