//! Which credential is tried, when the next one is, and how long each may take. Pure.

use crate::capabilities::{AuthPolicy, Candidate, Origin};
use crate::observations::Trouble;
use cache_health_report::{AuthMethod, FallbackReason, Kind, Step};
use std::time::Duration;

/// After a fallback that worked, how long until Entra is tried again.
pub const ENTRA_RETRY: Duration = Duration::from_secs(60);

/// The candidates to try, in order.
///
/// `paused` says why Entra is left out for now: it failed within [`ENTRA_RETRY`] and an access
/// key worked in its place. It only counts where the policy leaves a choice and a key is there.
pub fn plan(
    policy: AuthPolicy,
    configured: Vec<Candidate>,
    paused: Option<Kind>,
) -> Vec<Candidate> {
    let mut plan = configured;
    match policy {
        AuthPolicy::Entra => plan.retain(|candidate| candidate.method == AuthMethod::Entra),
        AuthPolicy::AccessKey => plan.retain(|candidate| candidate.method == AuthMethod::AccessKey),
        AuthPolicy::Auto => {
            // The provider's order is kept within a method.
            let (entra, keys): (Vec<_>, Vec<_>) = plan
                .into_iter()
                .partition(|candidate| candidate.method == AuthMethod::Entra);
            plan = entra;
            plan.extend(keys);
            if paused.is_some() && has_key(&plan) {
                plan.retain(|candidate| candidate.method == AuthMethod::AccessKey);
            }
        }
    }
    plan
}

/// Why a candidate is used in place of a more preferred one, before anything was tried.
pub fn initial_reason(
    policy: AuthPolicy,
    first: &Candidate,
    entra_configured: bool,
    paused: Option<Kind>,
) -> Option<FallbackReason> {
    if policy != AuthPolicy::Auto || first.method == AuthMethod::Entra {
        return None;
    }
    match paused {
        Some(kind) if entra_configured => Some(FallbackReason::Failed(kind)),
        _ => Some(FallbackReason::NotConfigured),
    }
}

/// Whether the next candidate may be tried after this. Only when no token could be had or Redis
/// refused the credential: a policy that lacks a command, a time-out or a broken network would
/// only be hidden by another credential.
fn falls_back(candidate: &Candidate, trouble: &Trouble) -> bool {
    match trouble.kind() {
        Kind::TokenUnavailable | Kind::TokenRejected | Kind::AuthRejected => true,
        // A workload identity's file, or a request that the host does not allow: there is no token either.
        Kind::Config | Kind::NotAllowed => {
            let no_token = trouble.step == Some(Step::Token) || !trouble.was_configured();
            candidate.method == AuthMethod::Entra && no_token
        }
        _ => false,
    }
}

/// Those that may be tried after this failed, of the rest of the plan. When Redis refuses a token, that is the keys only:
/// another identity that works would say nothing about the app's.
pub fn next(candidate: &Candidate, trouble: &Trouble, rest: &[Candidate]) -> Vec<Candidate> {
    let refused = candidate.method == AuthMethod::Entra && trouble.kind() == Kind::AuthRejected;
    let mut next = rest.to_vec();
    if !falls_back(candidate, trouble) {
        next.clear();
    } else if refused {
        next.retain(|candidate| candidate.method == AuthMethod::AccessKey);
    }
    next
}

/// How long a credential may take to get. While others follow, what is left of the time is shared among them: identities
/// have an equal part each, and the keys together have one.
pub fn acquire_limit(candidate: &Candidate, rest: &[Candidate], remaining: Duration) -> Duration {
    if candidate.method == AuthMethod::AccessKey {
        return remaining;
    }
    let entra = rest.iter().filter(|next| next.method == AuthMethod::Entra);
    let parts = 1 + entra.count() + usize::from(has_key(rest));
    remaining / u32::try_from(parts).unwrap_or(u32::MAX)
}

/// How long a command may take. A connection from earlier may be half-open, which shows only as silence,
/// and then a new one needs the rest of the time.
pub fn command_limit(origin: Origin, remaining: Duration) -> Duration {
    match origin {
        Origin::New => remaining,
        Origin::Kept | Origin::Unclaimed => remaining / 2,
    }
}

/// Whether a failed round trip is worth a new connection: the kept one was broken, or leads to a
/// server that is no longer the one that the name leads to. A permission, the memory or another value
/// would be the same on any connection to that server: only a check that has to prove a new connection
/// anyway finds out whether the name leads to another by now. A connection that nobody claimed proves
/// something only when it works.
pub fn reconnects(origin: Origin, new_connection: bool, kind: Kind) -> bool {
    let may_be_the_connection = matches!(
        kind,
        Kind::Closed
            | Kind::Timeout
            | Kind::AuthRequired
            | Kind::ReadOnly
            | Kind::Loading
            | Kind::Moved
            | Kind::ServerError
            | Kind::Protocol
    );
    match origin {
        Origin::New => false,
        Origin::Kept => new_connection || may_be_the_connection,
        Origin::Unclaimed => true,
    }
}

/// Whether an access key is among the candidates.
pub fn has_key(candidates: &[Candidate]) -> bool {
    candidates
        .iter()
        .any(|candidate| candidate.method == AuthMethod::AccessKey)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(id: u32, method: AuthMethod) -> Candidate {
        Candidate {
            id,
            method,
            label: "any".into(),
        }
    }

    fn ids(plan: &[Candidate]) -> Vec<u32> {
        plan.iter().map(|candidate| candidate.id).collect()
    }

    fn all() -> Vec<Candidate> {
        vec![
            candidate(0, AuthMethod::AccessKey),
            candidate(1, AuthMethod::AccessKey),
            candidate(2, AuthMethod::Entra),
        ]
    }

    #[test]
    fn auto_tries_entra_first_and_keeps_the_order_of_keys() {
        assert_eq!(ids(&plan(AuthPolicy::Auto, all(), None)), [2, 0, 1]);
    }

    #[test]
    fn a_forced_method_never_uses_the_other() {
        assert_eq!(ids(&plan(AuthPolicy::Entra, all(), None)), [2]);
        assert_eq!(ids(&plan(AuthPolicy::AccessKey, all(), None)), [0, 1]);
    }

    #[test]
    fn a_pause_leaves_entra_out_only_while_there_is_a_key_and_a_choice() {
        let paused = Some(Kind::TokenUnavailable);
        assert_eq!(ids(&plan(AuthPolicy::Auto, all(), paused)), [0, 1]);
        assert_eq!(ids(&plan(AuthPolicy::Entra, all(), paused)), [2]);
        let entra = vec![candidate(2, AuthMethod::Entra)];
        assert_eq!(ids(&plan(AuthPolicy::Auto, entra, paused)), [2]);
    }

    #[test]
    fn a_key_without_an_identity_says_that_entra_is_not_configured() {
        let key = candidate(0, AuthMethod::AccessKey);
        let reason = |policy, entra, paused| initial_reason(policy, &key, entra, paused);
        assert_eq!(
            reason(AuthPolicy::Auto, false, None),
            Some(FallbackReason::NotConfigured)
        );
        assert_eq!(
            reason(AuthPolicy::Auto, true, Some(Kind::AuthRejected)),
            Some(FallbackReason::Failed(Kind::AuthRejected))
        );
        assert_eq!(reason(AuthPolicy::AccessKey, false, None), None);
    }

    #[test]
    fn only_a_missing_token_or_a_refused_credential_falls_back() {
        let (entra, key) = (
            candidate(0, AuthMethod::Entra),
            candidate(1, AuthMethod::AccessKey),
        );
        let trouble = |kind, step| Trouble::of(kind, Some(step));
        for (kind, step) in [
            (Kind::TokenUnavailable, Step::Token),
            (Kind::TokenRejected, Step::Token),
            (Kind::AuthRejected, Step::Auth),
        ] {
            assert!(falls_back(&entra, &trouble(kind, step)), "{kind}");
        }
        for kind in [Kind::Config, Kind::NotAllowed] {
            assert!(falls_back(&entra, &trouble(kind, Step::Token)), "{kind}");
            assert!(!falls_back(&key, &trouble(kind, Step::Token)), "{kind}");
            assert!(!falls_back(&entra, &trouble(kind, Step::Connect)), "{kind}");
        }
        for kind in [
            Kind::PermissionDenied,
            Kind::AuthRequired,
            Kind::Timeout,
            Kind::Closed,
            Kind::Dns,
            Kind::TlsUntrusted,
            Kind::Internal,
            Kind::Mismatch,
        ] {
            assert!(!falls_back(&entra, &trouble(kind, Step::Tls)), "{kind}");
        }
    }

    #[test]
    fn what_is_left_of_the_time_is_shared_by_those_that_are_left() {
        let left = Duration::from_secs(6);
        let entra = candidate(2, AuthMethod::Entra);
        let [primary, secondary, other] = <[_; 3]>::try_from(all()).expect("three");
        let limit = |rest: &[Candidate]| acquire_limit(&entra, rest, left).as_secs();
        assert_eq!(limit(&[]), 6);
        assert_eq!(limit(&[primary.clone(), secondary.clone()]), 3);
        assert_eq!(limit(std::slice::from_ref(&other)), 3);
        assert_eq!(limit(&[other, primary.clone(), secondary.clone()]), 2);
        assert_eq!(acquire_limit(&primary, &[secondary], left), left);
    }

    #[test]
    fn after_a_token_that_redis_refuses_only_the_keys_are_tried() {
        let entra = candidate(9, AuthMethod::Entra);
        let after = |kind, step| ids(&next(&entra, &Trouble::of(kind, Some(step)), &all()));
        assert_eq!(after(Kind::AuthRejected, Step::Auth), [0, 1]);
        assert_eq!(after(Kind::TokenUnavailable, Step::Token), [0, 1, 2]);
        assert_eq!(after(Kind::TokenRejected, Step::Token), [0, 1, 2]);
        assert!(after(Kind::PermissionDenied, Step::Set).is_empty());
    }

    #[test]
    fn only_a_kept_connection_that_broke_is_replaced() {
        let kept = |kind| reconnects(Origin::Kept, false, kind);
        let new = |kind| reconnects(Origin::New, false, kind);
        assert!(kept(Kind::Closed));
        assert!(kept(Kind::Timeout));
        // A primary that became a replica answers on the connections that it had.
        assert!(kept(Kind::ReadOnly));
        assert!(kept(Kind::AuthRequired));
        assert!(!new(Kind::ReadOnly));
        assert!(!kept(Kind::OutOfMemory));
        assert!(!new(Kind::Closed));
        assert!(!kept(Kind::PermissionDenied));
        assert!(!kept(Kind::Mismatch));
    }

    #[test]
    fn a_check_that_proves_a_new_connection_does_so_after_any_failure_of_the_kept_one() {
        for kind in [
            Kind::OutOfMemory,
            Kind::PermissionDenied,
            Kind::Closed,
            Kind::Mismatch,
        ] {
            assert!(reconnects(Origin::Kept, true, kind), "{kind}");
            assert!(reconnects(Origin::Unclaimed, true, kind), "{kind}");
            assert!(!reconnects(Origin::New, true, kind), "{kind}");
        }
    }
}
