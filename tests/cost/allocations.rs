//! Allocations: how often the host asks for memory in a check, in the library that the program is made of.

use super::compare;
use crate::fixtures::Azure;
use cache_health_host::{Provider, check};
use cache_health_report::Status;
use std::collections::HashMap;

/// The first checks connect, and fill what is kept.
const WARM: u32 = 10;
const COUNTED: u32 = 100;

#[test]
fn a_check_allocates_no_more_often_than_is_written_down() {
    let azure = Azure::start();
    let variables = azure.check_key();
    let variables = variables.environment().iter();
    let mut variables: HashMap<_, _> = variables.map(|(k, v)| (k.clone(), v.clone())).collect();
    variables.insert(
        "CACHE_HEALTH_MAX_CHECKS_PER_SECOND".to_owned(),
        "1000000".to_owned(),
    );
    // One thread, as the program: what is counted is this one's.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let health = runtime.block_on(async {
        let provider = Provider::from_variables(&variables).await;
        check::health(&provider.expect("a configuration"))
    });
    let check = |times| {
        for _ in 0..times {
            let report = runtime.block_on(check::once(&health));
            assert_eq!(report.status, Status::Pass, "{report:?}");
        }
    };
    check(WARM);
    let counted = allocation_counter::measure(|| check(COUNTED));
    let each = counted.count_total as f64 / f64::from(COUNTED);
    compare(&[("allocations of a check", each)]);
}
