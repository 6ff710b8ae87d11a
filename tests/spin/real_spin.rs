//! The cases under a real `spin up`.

use super::cases::{Scene, cases};
use crate::fixtures::spin;
use cache_health_report::Status;

#[test]
#[ignore = "needs spin: cargo xtask test, with a spin on PATH"]
fn a_real_spin_gives_the_same_verdicts() {
    let mut wrong = Vec::new();
    for case in cases() {
        let scene = Scene::of(&case);
        let (status, document) = spin::verdict(&scene.application());
        if let Err(why) = case.expect.compare(&document, case.expect.on_spin()) {
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
