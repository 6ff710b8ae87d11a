use super::*;
use crate::scripted_host::{Act, ScriptedHost, acts, queue};
use cache_health_report::{Failure, Kind, Status};
use futures::executor::block_on;
use futures::future::{FutureExt as _, join_all};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn callers_at_the_same_time_share_one_check() {
    let host = ScriptedHost::new(&[AuthMethod::Entra]);
    let reports = block_on(join_all(
        (0..50).map(|_| check(&host, Asked::Fresh(Proof::Kept))),
    ));
    assert_eq!(reports.len(), 50);
    assert!(reports.iter().all(|report| report.status == Status::Pass));
    assert_eq!(host.checks.get(), 1);
}

#[test]
fn callers_after_one_another_do_not_share_a_fresh_check() {
    let host = ScriptedHost::new(&[AuthMethod::Entra]);
    block_on(check(&host, Asked::Fresh(Proof::Kept)));
    block_on(check(&host, Asked::Fresh(Proof::Kept)));
    assert_eq!(host.checks.get(), 2);
}

#[test]
fn a_caller_that_goes_away_strands_nobody() {
    let works = block_on(ScriptedHost::new(&[]).acquire(0, SECOND));
    let host = ScriptedHost {
        acquire: acts(vec![Act::Hang, Act::Return(works)]),
        ..ScriptedHost::new(&[AuthMethod::Entra])
    };
    let mut leader = Box::pin(check(&host, Asked::Fresh(Proof::Kept)));
    assert!(leader.as_mut().now_or_never().is_none());
    let followers = join_all((0..3).map(|_| check(&host, Asked::Fresh(Proof::Kept))));
    let mut followers = Box::pin(followers);
    assert!(followers.as_mut().now_or_never().is_none());
    drop(leader);
    let reports = block_on(followers);
    assert!(
        reports.iter().all(|report| report.status == Status::Pass),
        "{reports:?}"
    );
}

#[test]
fn a_young_result_is_returned_with_its_age_and_an_old_one_is_not() {
    let host = ScriptedHost::new(&[AuthMethod::Entra]);
    block_on(check(&host, Asked::Recent));
    host.elapse(SECOND * 3);
    let report = block_on(check(&host, Asked::Recent));
    assert_eq!((host.checks.get(), report.age), (1, SECOND * 3));
    host.elapse(SECOND * 20);
    let report = block_on(check(&host, Asked::Recent));
    assert_eq!((host.checks.get(), report.age), (2, Duration::ZERO));
}

#[test]
fn a_failure_is_remembered_like_a_success() {
    let set = queue(Err(Failure::of(Kind::Loading)));
    let host = ScriptedHost {
        set,
        ..ScriptedHost::new(&[AuthMethod::Entra])
    };
    block_on(check(&host, Asked::Fresh(Proof::Kept)));
    let report = block_on(check(&host, Asked::Recent));
    assert_eq!(
        report.failure.map(|failure| failure.kind),
        Some(Kind::Loading)
    );
    assert_eq!(host.checks.get(), 1);
}

#[test]
fn entra_is_left_out_for_a_minute_after_a_fallback_that_worked() {
    let methods = [AuthMethod::Entra, AuthMethod::AccessKey];
    let works = || {
        block_on(crate::capabilities::Capabilities::acquire(
            &ScriptedHost::new(&[]),
            0,
            SECOND,
        ))
    };
    let no_token = Failure::of(Kind::TokenUnavailable);
    let acquire = acts(vec![Act::Return(Err(no_token)), Act::Return(works())]);
    let host = ScriptedHost {
        acquire,
        ..ScriptedHost::new(&methods)
    };
    block_on(check(&host, Asked::Fresh(Proof::Kept)));
    assert_eq!(host.asked.take(), [0, 1]);
    let report = block_on(check(&host, Asked::Fresh(Proof::Kept)));
    assert_eq!(host.asked.take(), [1]);
    assert_eq!(report.warnings[0].kind, Kind::Fallback);
    assert_eq!(
        report.auth.and_then(|auth| auth.fallback_reason),
        Some(FallbackReason::Failed(Kind::TokenUnavailable))
    );
    host.elapse(SECOND * 61);
    let report = block_on(check(&host, Asked::Fresh(Proof::Kept)));
    assert_eq!(host.asked.take(), [0]);
    assert_eq!(report.status, Status::Pass);
}

#[test]
fn entra_is_tried_with_every_check_while_the_key_fails_too() {
    let methods = [AuthMethod::Entra, AuthMethod::AccessKey];
    let no_token = Failure::of(Kind::TokenUnavailable);
    let works = block_on(crate::capabilities::Capabilities::acquire(
        &ScriptedHost::new(&[]),
        0,
        SECOND,
    ));
    let acquire = acts(vec![
        Act::Return(Err(no_token.clone())),
        Act::Return(works.clone()),
        Act::Return(Err(no_token)),
        Act::Return(works),
    ]);
    let set = queue(Err(Failure::of(Kind::Loading)));
    let host = ScriptedHost {
        acquire,
        set,
        ..ScriptedHost::new(&methods)
    };
    block_on(check(&host, Asked::Fresh(Proof::Kept)));
    block_on(check(&host, Asked::Fresh(Proof::Kept)));
    assert_eq!(host.asked.take(), [0, 1, 0, 1]);
}
