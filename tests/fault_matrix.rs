//! The fault matrix, `tests/faults/`, on the standalone host and on the Spin composition: never a false
//! green, never a stuck red.

mod faults;
mod spin_host;
mod support;

use cache_health_report::Document;
use faults::row::{Expect, OnSpin, Row};
use faults::scene::{DEADLINE, INTERVAL, Scene};
use faults::table::{self, Outcome};
use spin_host::Instance;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// What a verdict may take on top of the deadline, on a machine that runs many rows at once.
const SLACK: Duration = Duration::from_millis(1000);
/// How often to look whether it recovered.
const LOOK: Duration = Duration::from_millis(20);
/// Rows at once.
const WORKERS: usize = 3;

/// What the program may have in memory after a row, in bytes.
const MOST_MEMORY: u64 = 64 * 1024 * 1024;

type Timing = (Duration, Duration);

#[test]
fn every_row_on_the_standalone_host() {
    let rows = faults::rows();
    let outcomes = run(&rows, |row| Some(on_standalone_host(row)));
    report("the standalone host", &outcomes);
}

#[test]
fn every_row_on_the_spin_composition() {
    let rows = faults::rows();
    let outcomes = run(&rows, |row| match row.spin {
        OnSpin::Same => Some(on_spin(row, row.expect.on_spin())),
        OnSpin::Differs(expect, _) => Some(on_spin(row, expect)),
        OnSpin::Absent(_) => None,
    });
    report("the Spin composition", &outcomes);
}

#[test]
fn a_name_server_that_does_not_answer_keeps_nobody_from_leaving() {
    if !is_root() {
        eprintln!("SKIPPED: a name server on port 53 is for root");
        return;
    }
    let mut scene = Scene::new();
    let never = Duration::from_secs(60);
    let zone = cache_health_local_azure::dns::Zone::Slow(vec![], never);
    scene.resolve_with(std::net::Ipv4Addr::new(127, 0, 0, 154), zone);
    let (output, took) = scene.check().output(&["check"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(took < DEADLINE + SLACK, "{took:?}");
    let mut server = scene.check().serve();
    server.signal("TERM");
    assert_eq!(server.wait(Duration::from_secs(10)), 0);
}

#[test]
fn the_table_in_the_documentation_is_the_one_that_is_tested() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/faults.md");
    let made = table::document(&faults::rows());
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, &made).expect("written");
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        kept == made,
        "docs/faults.md is out of date: BLESS=1 cargo test -p cache-health-host --test fault_matrix"
    );
}

/// The program, from the outside.
fn on_standalone_host(row: &Row) -> Result<Timing, String> {
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
fn on_spin(row: &Row, expect: Expect) -> Result<Timing, String> {
    let mut scene = Scene::new();
    (row.prepare)(&mut scene);
    if row.from_the_start {
        (row.begin)(&mut scene);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let mut instance = runtime.block_on(Instance::new(scene.application()));
    let secrets = [
        scene.azure.access_key.clone(),
        scene.azure.token.text.clone(),
        scene.azure.identity.header.clone(),
    ];
    let mut fresh = || {
        let (_, body) = runtime.block_on(instance.get("/healthz?fresh=1"));
        let text = String::from_utf8_lossy(&body);
        let shown = secrets.iter().find(|secret| text.contains(secret.as_str()));
        assert!(shown.is_none(), "a secret in:\n{text}");
        support::document::read(&text)
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

/// Runs rows side by side. `None`: the row is left out.
fn run(rows: &[Row], one: impl Fn(&Row) -> Option<Result<Timing, String>> + Sync) -> Vec<Outcome> {
    let only = std::env::var("FAULT").ok();
    let root = is_root();
    let (next, outcomes) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while let Some((at, row)) = {
                    let at = next.fetch_add(1, Ordering::SeqCst);
                    rows.get(at).map(|row| (at, row))
                } {
                    if only
                        .as_ref()
                        .is_some_and(|only| !row.fault.contains(only.as_str()))
                    {
                        continue;
                    }
                    let skipped = row.needs_root && !root;
                    let result = if skipped {
                        Some(Err("a name server on port 53 is for root".to_owned()))
                    } else {
                        // A row that panics is a row that failed; the others still count.
                        catch_unwind(AssertUnwindSafe(|| one(row)))
                            .unwrap_or_else(|_| Some(Err("panicked; see above".to_owned())))
                    };
                    if let Some(result) = result {
                        let outcome = Outcome {
                            fault: row.fault,
                            result,
                            skipped,
                        };
                        outcomes.lock().expect("whole").push((at, outcome));
                    }
                }
            });
        }
    });
    let mut outcomes = outcomes.into_inner().expect("whole");
    outcomes.sort_by_key(|(at, _)| *at);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

/// Prints the table, past the test runner, which would only show it of a run that failed.
fn report(host: &str, outcomes: &[Outcome]) {
    let text = table::summary(host, outcomes);
    let _ = std::io::stderr().write_all(text.as_bytes());
    let failed = outcomes.iter().any(|o| o.result.is_err() && !o.skipped);
    assert!(!failed, "see the table");
}

fn is_root() -> bool {
    let id = std::process::Command::new("id").arg("-u").output();
    id.is_ok_and(|id| id.stdout.trim_ascii() == b"0")
}
