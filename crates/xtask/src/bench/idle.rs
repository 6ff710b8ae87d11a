//! What a service costs that nobody loads: with the probe of a platform every ten seconds, and ours without one as well.

use super::service::{Plan, SETTLED, Service, is_good};
use super::table::{Table, number};
use crate::shell::say;
use anyhow::{Result, ensure};
use cache_health_local_azure::LocalAzure;
use std::time::{Duration, Instant};

/// As often as Kubernetes and Container Apps probe.
const PERIOD: Duration = Duration::from_secs(10);
const DAY: f64 = 86_400.0;
const LOOK: Duration = Duration::from_millis(50);

/// What each costs a day, all at once.
pub fn at_rest(plans: &[Plan], quick: bool, azure: &LocalAzure) -> Result<Table> {
    let length = if quick { PERIOD * 6 } else { PERIOD * 18 };
    say(&format!("at rest, for {} s", length.as_secs()));
    let services = plans.iter().map(|plan| Service::start(plan, azure));
    let services = services.collect::<Result<Vec<_>>>()?;
    // With a token to keep, and nobody who probes.
    let with_identity = LocalAzure::start(0, true)?;
    let alone = Service::start(&with_entra(&plans[0], &with_identity), &with_identity)?;
    let all = || services.iter().chain([&alone]);
    std::thread::sleep(SETTLED);
    let before: Vec<_> = all()
        .map(|service| (service.cpu(), service.wake_ups()))
        .collect();
    let until = Instant::now() + length;
    let mut next = Instant::now();
    while Instant::now() < until {
        if next <= Instant::now() {
            for (plan, service) in plans.iter().zip(&services) {
                ensure!(
                    is_good(&service.address, plan.probe),
                    "a probe was not good"
                );
            }
            next += PERIOD;
        }
        std::thread::sleep(LOOK);
    }
    let seconds = length.as_secs_f64();
    let after = all().map(|service| (service.cpu(), service.wake_ups()));
    let costs: Vec<(f64, f64)> = after
        .zip(before)
        .map(|((cpu, wakes), (cpu_before, wakes_before))| {
            let cpu = cpu.saturating_sub(cpu_before).as_secs_f64() / seconds * DAY;
            (cpu, (wakes - wakes_before) as f64 / seconds)
        })
        .collect();
    let columns = plans.iter().map(|plan| plan.name);
    let mut table = Table::of(
        "at rest, with a probe every 10 s",
        columns.chain(["cache-health with Entra, its heartbeat and no probe"]),
    );
    table.row(
        "processor seconds a day",
        costs.iter().map(|cost| number(cost.0)),
    );
    table.row("wake-ups a second", costs.iter().map(|cost| number(cost.1)));
    Ok(table)
}

fn with_entra(plan: &Plan, azure: &LocalAzure) -> Plan {
    let mut environment = plan.environment.clone();
    environment.push(("REDIS_AUTH".to_owned(), "entra".to_owned()));
    environment.push(("CACHE_HEALTH_HEARTBEAT".to_owned(), "30s".to_owned()));
    if let Some(identity) = &azure.identity {
        environment.push(("IDENTITY_ENDPOINT".to_owned(), identity.url()));
        environment.push(("IDENTITY_HEADER".to_owned(), identity.header.clone()));
    }
    Plan {
        environment,
        ..plan.clone()
    }
}
