use super::*;
use crate::capabilities::{ConnectFailure, CredentialFacts, Origin, Session};
use crate::scripted_host::{Act, CALL, ScriptedHost, acts, queue};
use crate::verdict::judge;
use AuthMethod::{AccessKey, Entra};
use cache_health_report::{Evidence, Report, Status, Step};
use futures::executor::block_on;

fn report(host: &ScriptedHost) -> Report {
    judge(block_on(observe(host, None, Proof::Kept)))
}

fn report_with_new_connection(host: &ScriptedHost) -> Report {
    judge(block_on(observe(host, None, Proof::NewConnection)))
}

fn failure(report: &Report) -> (Kind, Option<Step>) {
    let failure = report.failure.as_ref().expect("a failure");
    (failure.kind, failure.step)
}

fn kept() -> Session {
    Session {
        steps: vec![],
        origin: Origin::Kept,
        tls: None,
        evidence: Evidence::new(),
    }
}

/// One that was made for a caller who had gone.
fn unclaimed() -> Session {
    Session {
        origin: Origin::Unclaimed,
        ..new()
    }
}

fn new() -> Session {
    Session {
        steps: vec![(Step::Dns, CALL)],
        origin: Origin::New,
        tls: None,
        evidence: Evidence::new(),
    }
}

#[test]
fn everything_working_passes() {
    let report = report(&ScriptedHost::new(&[Entra]));
    assert_eq!(report.status, Status::Pass, "{report:?}");
    let steps: Vec<Step> = report.steps.iter().map(|result| result.step).collect();
    assert_eq!(steps, [Step::Token, Step::Dns, Step::Set, Step::Get]);
}

#[test]
fn another_value_than_the_one_written_is_a_mismatch() {
    for value in [None, Some(b"OK".to_vec()), Some(Vec::new())] {
        let host = ScriptedHost {
            get: queue(Ok(value)),
            ..ScriptedHost::new(&[Entra])
        };
        let report = report(&host);
        assert_eq!(failure(&report), (Kind::Mismatch, Some(Step::Get)));
        assert_eq!(
            report.steps.last().map(|step| step.status),
            Some(Status::Fail)
        );
    }
}

#[test]
fn a_capability_that_never_answers_is_cut_off_at_the_deadline() {
    let hang = || acts(vec![Act::Hang]);
    let base = || ScriptedHost::new(&[Entra]);
    let cases = [
        (
            ScriptedHost {
                acquire: acts(vec![Act::Hang]),
                ..base()
            },
            Kind::TokenUnavailable,
            Step::Token,
        ),
        (
            ScriptedHost {
                connect: acts(vec![Act::Hang]),
                ..base()
            },
            Kind::Timeout,
            Step::Connect,
        ),
        (
            ScriptedHost {
                set: hang(),
                ..base()
            },
            Kind::Timeout,
            Step::Set,
        ),
        (
            ScriptedHost {
                get: acts(vec![Act::Hang]),
                ..base()
            },
            Kind::Timeout,
            Step::Get,
        ),
    ];
    for (host, kind, step) in cases {
        let started = host.now();
        let report = report(&host);
        assert_eq!(failure(&report), (kind, Some(step)));
        let took = host.now() - started;
        assert!(took <= host.settings.deadline + CALL, "{step}: {took:?}");
    }
}

#[test]
fn a_token_leaves_half_of_the_deadline_to_the_key() {
    let works = block_on(ScriptedHost::new(&[]).acquire(0, Duration::ZERO));
    let host = ScriptedHost {
        acquire: acts(vec![Act::Hang, Act::Return(works)]),
        ..ScriptedHost::new(&[Entra, AccessKey])
    };
    let report = report(&host);
    assert_eq!(report.status, Status::Warn);
    let auth = report.auth.expect("a credential");
    assert_eq!(auth.method, AccessKey);
    assert_eq!(
        auth.fallback_reason,
        Some(FallbackReason::Failed(Kind::TokenUnavailable))
    );
    assert!(host.budgets.borrow()[0] <= host.settings.deadline / 2);
}

#[test]
fn a_permission_denied_does_not_fall_back() {
    let host = ScriptedHost {
        set: queue(Err(Failure::of(Kind::PermissionDenied))),
        ..ScriptedHost::new(&[Entra, AccessKey])
    };
    let report = report(&host);
    assert_eq!(failure(&report), (Kind::PermissionDenied, Some(Step::Set)));
    assert_eq!(*host.asked.borrow(), [0]);
}

#[test]
fn every_candidate_refused_fails_with_the_last_and_warns_of_the_first() {
    let refused = Failure::of(Kind::TokenRejected).with("identity.status", "400");
    let works = block_on(ScriptedHost::new(&[]).acquire(0, Duration::ZERO));
    let host = ScriptedHost {
        acquire: acts(vec![Act::Return(Err(refused)), Act::Return(works)]),
        connect: queue(Err(ConnectFailure {
            failure: Failure::of(Kind::AuthRejected),
            step: Step::Auth,
            session: Session::default(),
        })),
        ..ScriptedHost::new(&[Entra, AccessKey, AccessKey])
    };
    let report = report(&host);
    assert_eq!(failure(&report), (Kind::AuthRejected, Some(Step::Auth)));
    assert_eq!(*host.asked.borrow(), [0, 1, 2]);
    let warning = &report.warnings[0];
    assert_eq!(warning.kind, Kind::Fallback);
    assert!(
        warning.remedy.contains("AZURE_CLIENT_ID"),
        "{}",
        warning.remedy
    );
}

#[test]
fn a_kept_connection_that_broke_is_replaced_within_the_check() {
    for kind in [Kind::Closed, Kind::Timeout] {
        let fresh = block_on(ScriptedHost::new(&[]).connect(
            &CredentialFacts {
                principal: None,
                expires_at: None,
                renewal_failure: None,
                evidence: Evidence::new(),
            },
            Duration::ZERO,
            true,
        ));
        let host = ScriptedHost {
            connect: acts(vec![Act::Return(Ok(kept())), Act::Return(fresh)]),
            set: acts(vec![
                Act::Return(Err(Failure::of(kind))),
                Act::Return(Ok(())),
            ]),
            ..ScriptedHost::new(&[AccessKey])
        };
        let report = report(&host);
        assert!(report.failure.is_none(), "{report:?}");
        assert!(
            report.steps.iter().all(|step| step.status == Status::Pass),
            "{report:?}"
        );
    }
}

#[test]
fn silence_on_a_kept_connection_and_on_a_new_one_is_a_time_out_of_set() {
    let timeout = ConnectFailure {
        failure: Failure::of(Kind::Timeout),
        step: Step::Tls,
        session: Session::default(),
    };
    let host = ScriptedHost {
        connect: acts(vec![Act::Return(Ok(kept())), Act::Return(Err(timeout))]),
        set: acts(vec![Act::Hang]),
        ..ScriptedHost::new(&[AccessKey])
    };
    let report = report(&host);
    assert_eq!(failure(&report), (Kind::Timeout, Some(Step::Set)));
}

#[test]
fn a_kept_connection_that_lost_its_permission_is_not_replaced() {
    let host = ScriptedHost {
        connect: queue(Ok(kept())),
        set: queue(Err(Failure::of(Kind::AuthRequired))),
        ..ScriptedHost::new(&[AccessKey])
    };
    assert_eq!(
        failure(&report(&host)),
        (Kind::AuthRequired, Some(Step::Set))
    );
}

#[test]
fn a_token_that_ends_soon_warns_only_when_it_could_not_be_renewed() {
    let facts = |renewal_failure| CredentialFacts {
        principal: Some("8a1f".into()),
        expires_at: Some(1_795_597_200 + 60),
        renewal_failure,
        evidence: Evidence::new(),
    };
    let failed = Failure::of(Kind::TokenUnavailable).with("identity.problem", "unreachable");
    let host = ScriptedHost {
        acquire: queue(Ok(facts(None))),
        ..ScriptedHost::new(&[Entra])
    };
    assert_eq!(report(&host).status, Status::Pass);
    let host = ScriptedHost {
        acquire: queue(Ok(facts(Some(failed)))),
        ..ScriptedHost::new(&[Entra])
    };
    let report = report(&host);
    assert_eq!(report.status, Status::Warn);
    assert_eq!(report.warnings[0].kind, Kind::TokenExpiring);
}

#[test]
fn without_any_candidate_it_is_the_configuration() {
    assert_eq!(
        failure(&report(&ScriptedHost::new(&[]))),
        (Kind::Config, None)
    );
}

#[test]
fn a_new_connection_is_proved_beside_the_kept_one() {
    let host = ScriptedHost {
        connect: acts(vec![Act::Return(Ok(kept())), Act::Return(Ok(new()))]),
        ..ScriptedHost::new(&[Entra])
    };
    let report = report_with_new_connection(&host);
    assert_eq!(report.status, Status::Pass, "{report:?}");
    let steps: Vec<Step> = report.steps.iter().map(|result| result.step).collect();
    let expected = [Step::Set, Step::Get, Step::Dns, Step::Set, Step::Get];
    assert_eq!(steps, expected);
}

#[test]
fn a_kept_connection_to_a_full_cache_is_not_all_there_is_to_a_check_of_a_new_one() {
    // The name leads to a larger cache by now.
    let host = || ScriptedHost {
        connect: acts(vec![Act::Return(Ok(kept())), Act::Return(Ok(new()))]),
        set: acts(vec![
            Act::Return(Err(Failure::of(Kind::OutOfMemory))),
            Act::Return(Ok(())),
        ]),
        ..ScriptedHost::new(&[Entra])
    };
    let report_of_new = report_with_new_connection(&host());
    assert_eq!(report_of_new.status, Status::Pass, "{report_of_new:?}");
    assert_eq!(
        failure(&report(&host())),
        (Kind::OutOfMemory, Some(Step::Set))
    );
}

#[test]
fn a_failing_new_connection_beside_a_healthy_kept_one_warns_with_its_kind() {
    let refused = ConnectFailure {
        failure: Failure::of(Kind::AuthRejected),
        step: Step::Auth,
        session: Session::default(),
    };
    let host = ScriptedHost {
        connect: acts(vec![Act::Return(Ok(kept())), Act::Return(Err(refused))]),
        ..ScriptedHost::new(&[AccessKey])
    };
    let report = report_with_new_connection(&host);
    assert_eq!(report.status, Status::Warn, "{report:?}");
    let kinds: Vec<Kind> = report.warnings.iter().map(|w| w.kind).collect();
    assert!(kinds.contains(&Kind::AuthRejected), "{kinds:?}");
    assert!(report.failure.is_none());
}

#[test]
fn a_new_connection_that_is_never_made_cannot_outlast_the_deadline() {
    let host = ScriptedHost {
        connect: acts(vec![Act::Return(Ok(kept())), Act::Hang]),
        ..ScriptedHost::new(&[Entra])
    };
    let started = host.now();
    let report = report_with_new_connection(&host);
    assert_eq!(report.status, Status::Warn, "{report:?}");
    assert_eq!(report.warnings[0].kind, Kind::Timeout);
    assert!(host.now() - started <= host.settings.deadline + CALL * 2);
}

#[test]
fn a_connection_that_was_just_made_needs_no_second_proof() {
    let report = report_with_new_connection(&ScriptedHost::new(&[Entra]));
    let steps: Vec<Step> = report.steps.iter().map(|result| result.step).collect();
    assert_eq!(steps, [Step::Token, Step::Dns, Step::Set, Step::Get]);
}

#[test]
fn a_connection_that_nobody_claimed_is_a_proof_when_it_works() {
    let host = ScriptedHost {
        connect: acts(vec![Act::Return(Ok(kept())), Act::Return(Ok(unclaimed()))]),
        ..ScriptedHost::new(&[Entra])
    };
    assert_eq!(report_with_new_connection(&host).status, Status::Pass);
}

#[test]
fn a_connection_that_nobody_claimed_and_died_is_not_the_last_word() {
    let host = ScriptedHost {
        connect: acts(vec![
            Act::Return(Ok(kept())),
            Act::Return(Ok(unclaimed())),
            Act::Return(Ok(new())),
        ]),
        set: acts(vec![
            Act::Return(Ok(())),
            Act::Return(Err(Failure::of(Kind::Closed))),
            Act::Return(Ok(())),
        ]),
        ..ScriptedHost::new(&[Entra])
    };
    let report = report_with_new_connection(&host);
    assert_eq!(report.status, Status::Pass, "{report:?}");
    assert!(
        report.steps.iter().all(|step| step.status == Status::Pass),
        "{report:?}"
    );
}

#[test]
fn what_was_seen_before_a_failure_is_in_its_evidence_and_the_report_says_what_for() {
    let failed = ConnectFailure {
        failure: Failure::of(Kind::Timeout).with("addresses", "10.0.0.5 (private)"),
        step: Step::Tcp,
        session: Session::default(),
    };
    let host = ScriptedHost {
        connect: queue(Err(failed)),
        ..ScriptedHost::new(&[AccessKey])
    };
    let report = report(&host);
    let failure = report.failure.expect("a failure");
    assert_eq!(
        failure.evidence.get("addresses"),
        Some("10.0.0.5 (private)")
    );
    assert_eq!(report.evidence.get("redis.name"), Some("c"));
    assert!(
        !failure.output.contains("windows.net"),
        "{}",
        failure.output
    );
}
