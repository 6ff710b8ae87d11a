//! One set of cases, `tests/spin/cases.json`, over both compositions: the standalone host, and the Spin application on a
//! host with Spin's interfaces. The same verdicts, but for the differences that are listed here, and each of those has
//! to be seen.

use super::cases::{Case, Scene, Seen, cases};
use cache_health_report::{Document, Status, Step};

/// What a verdict says that both hosts have to say alike.
#[derive(Debug, Clone, PartialEq)]
struct Facts {
    status: Status,
    failure: Option<(String, Option<Step>, Option<String>)>,
    warnings: Vec<String>,
    credential: Option<(String, String, Option<String>)>,
    steps: Vec<Step>,
    tls: bool,
}

impl Facts {
    fn of(document: &Document) -> Self {
        let failure = document.failure.as_ref();
        let auth = document.auth.as_ref();
        Self {
            status: document.status,
            failure: failure.map(|f| (f.kind.to_string(), f.step, f.code.clone())),
            warnings: document
                .warnings
                .iter()
                .map(|w| w.kind.to_string())
                .collect(),
            credential: auth.map(|auth| {
                let reason = auth.fallback_reason.clone();
                (auth.method.as_str().to_owned(), auth.label.clone(), reason)
            }),
            steps: document.checks.keys().copied().collect(),
            tls: document.tls.is_some(),
        }
    }
}

/// How Spin differs: what the standalone host says, as Spin says it.
struct Difference {
    why: &'static str,
    on_spin: fn(&mut Facts),
}

const DIFFERENCES: [Difference; 2] = [
    Difference {
        why: "Spin opens a connection in one call: dns, tcp, tls and auth cannot be told apart",
        on_spin: |facts| {
            for step in &mut facts.steps {
                *step = connect_of(*step);
            }
            // The token comes first there: the call that connects has the credential with it.
            facts.steps.sort();
            facts.steps.dedup();
            if let Some((_, Some(step), _)) = &mut facts.failure {
                *step = connect_of(*step);
            }
        },
    },
    Difference {
        why: "Spin checks TLS and shows nothing of it",
        on_spin: |facts| facts.tls = false,
    },
];

fn connect_of(step: Step) -> Step {
    match step {
        Step::Dns | Step::Tcp | Step::Tls | Step::Auth => Step::Connect,
        other => other,
    }
}

#[test]
fn both_compositions_give_the_same_verdicts() {
    let (mut wrong, mut seen) = (Vec::new(), [false; DIFFERENCES.len()]);
    for case in cases() {
        // A scene each: a check must not find what the other one left behind.
        let standalone = Scene::of(&case).on_standalone_host();
        let (status, spin) = Scene::of(&case).on_spin();
        assert_eq!(status, http_status(&case), "{}", case.name);
        if let Err(why) = case
            .expect
            .compare(&Seen::from(&standalone), case.expect.step)
        {
            wrong.push(format!("{} on the standalone host: {why}", case.name));
        }
        if let Err(why) = case
            .expect
            .compare(&Seen::from(&spin), case.expect.on_spin())
        {
            wrong.push(format!("{} on Spin: {why}", case.name));
        }
        let (mut expected, spin) = (Facts::of(&standalone), Facts::of(&spin));
        for (difference, seen) in DIFFERENCES.iter().zip(&mut seen) {
            let before = expected.clone();
            (difference.on_spin)(&mut expected);
            *seen |= before != expected;
        }
        if expected != spin {
            wrong.push(format!(
                "{} differs in what is not listed: {spin:#?} in place of {expected:#?}",
                case.name
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    for (difference, seen) in DIFFERENCES.iter().zip(seen) {
        assert!(seen, "no case shows that {}", difference.why);
    }
}

fn http_status(case: &Case) -> u16 {
    if case.expect.status == Status::Fail {
        503
    } else {
        200
    }
}
