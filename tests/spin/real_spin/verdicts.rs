//! The same verdicts as on the other hosts.

use super::with_a_key;
use crate::fixtures::Azure;
use crate::fixtures::spin::{self, Launch};
use crate::spin::cases::{Scene, Seen, cases};
use cache_health_report::Status;

#[test]
#[ignore = "needs spin: cargo xtask test, with a spin on PATH"]
fn the_composition_for_spin_imports_nothing_of_ours() {
    // `spin up` refuses a component whose imports nobody supplies, so that it starts is the proof.
    let azure = Azure::start();
    let spin = Launch::spin_app(&with_a_key(&azure)).up();
    assert_eq!(spin.get("/livez").0, 200);
}

#[test]
#[ignore = "needs spin: cargo xtask test, with a spin on PATH"]
fn a_real_spin_gives_the_same_verdicts() {
    let mut wrong = Vec::new();
    for case in cases() {
        let scene = Scene::of(&case);
        let (status, document) = spin::verdict(&scene.application());
        if let Err(why) = case
            .expect
            .compare(&Seen::from(&document), case.expect.on_spin())
        {
            wrong.push(format!("{}: {why}", case.name));
        }
        let expected = if case.expect.status == Status::Fail {
            503
        } else {
            200
        };
        assert_eq!(status, expected, "{}", case.name);
        println!("under a real spin up: {}", case.name);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
