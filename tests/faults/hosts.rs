//! One row on each host: before the fault the cache can be used, with it the verdict is the row's, after it the cache can
//! be used again.

use super::row::{Expect, Row};
use super::scene::{DEADLINE, INTERVAL, Scene};
use crate::fixtures::spin_host::{SpinHost, runtime};
use crate::fixtures::{document, secrets};
use cache_health_report::Document;
use std::time::{Duration, Instant};

/// What a verdict may take on top of the deadline, on a machine that runs many rows at once.
pub const SLACK: Duration = Duration::from_millis(1000);
/// How often to look whether it recovered.
const LOOK: Duration = Duration::from_millis(20);
/// What the program may have in memory after a row, in bytes.
const MOST_MEMORY: u64 = 64 * 1024 * 1024;

/// How long the verdict took, and the recovery.
pub type Timing = (Duration, Duration);

/// The program, from the outside.
pub fn on_standalone_host(row: &Row) -> Result<Timing, String> {
    let mut scene = Scene::new();
    (row.prepare)(&mut scene);
    if row.from_the_start {
        (row.begin)(&mut scene);
    }
    let server = scene.check().serve();
    if !row.from_the_start {
        first_pass(server.get("/healthz?fresh=1").document())?;
        (row.begin)(&mut scene);
    }
    let broken = server.get("/healthz?fresh=1");
    judge(row.expect, &broken.document(), broken.took)?;

    (row.end)(&mut scene);
    let started = Instant::now();
    loop {
        let fresh = server.get("/healthz?fresh=1");
        let Some(why) = Expect::Pass.contradicts(&fresh.document()) else {
            break;
        };
        still_in_time(started, &why)?;
        std::thread::sleep(LOOK);
    }
    let resident = server.resident();
    if resident > MOST_MEMORY {
        return Err(format!("{resident} bytes resident"));
    }
    Ok((broken.took, started.elapsed()))
}

/// One instance of the Spin application.
pub fn on_spin(row: &Row, expect: Expect) -> Result<Timing, String> {
    let mut scene = Scene::new();
    (row.prepare)(&mut scene);
    if row.from_the_start {
        (row.begin)(&mut scene);
    }
    let runtime = runtime();
    let mut instance = SpinHost::new(scene.application());
    let known = [
        scene.azure.access_key.clone(),
        scene.azure.token.text.clone(),
        scene.azure.identity.header.clone(),
    ];
    let mut fresh = || {
        let (_, body) = runtime.block_on(instance.get("/healthz?fresh=1"));
        let text = String::from_utf8_lossy(&body);
        secrets::assert_none(&text, &known);
        document::read(&text)
    };
    if !row.from_the_start {
        first_pass(fresh())?;
        (row.begin)(&mut scene);
    }
    let asked = Instant::now();
    let document = fresh();
    let took = asked.elapsed();
    judge(expect, &document, took)?;

    (row.end)(&mut scene);
    let started = Instant::now();
    while let Some(why) = Expect::Pass.contradicts(&fresh()) {
        still_in_time(started, &why)?;
        std::thread::sleep(LOOK);
    }
    Ok((took, started.elapsed()))
}

fn first_pass(document: Document) -> Result<(), String> {
    match Expect::Pass.contradicts(&document) {
        Some(why) => Err(format!("before the fault: {why}")),
        None => Ok(()),
    }
}

fn judge(expect: Expect, document: &Document, took: Duration) -> Result<(), String> {
    if let Some(why) = expect.contradicts(document) {
        return Err(why);
    }
    if took > DEADLINE + SLACK {
        return Err(format!("the verdict took {took:?}"));
    }
    Ok(())
}

fn still_in_time(started: Instant, why: &str) -> Result<(), String> {
    if started.elapsed() > INTERVAL * 2 {
        return Err(format!("not right again after two intervals: {why}"));
    }
    Ok(())
}
