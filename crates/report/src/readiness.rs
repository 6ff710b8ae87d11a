//! Which faults make a replica not ready: the same on every host.

use crate::{Evidence, Finding, Kind};

/// Which faults take a replica out of rotation (`CACHE_HEALTH_READINESS`). The cache is shared: what is wrong with it is
/// wrong for every replica at once, and a fleet of which none is ready answers nobody, not even with what it could do
/// without a cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReadinessPolicy {
    /// Every fault: a replica is not ready while the cache cannot be used.
    #[default]
    Cache,
    /// Only faults that can be this replica's alone.
    Replica,
    /// None.
    Never,
}

impl ReadinessPolicy {
    /// Every policy.
    pub const ALL: [Self; 3] = [Self::Cache, Self::Replica, Self::Never];

    /// The policy of this name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.as_str() == name)
    }

    /// Its name, as the variable has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cache => "cache",
            Self::Replica => "replica",
            Self::Never => "never",
        }
    }

    /// Whether this failure makes a replica not ready. `seen`: the evidence of the whole check.
    pub fn counts(self, failure: &Finding, seen: &Evidence) -> bool {
        match self {
            Self::Cache => true,
            Self::Replica => is_of_this_replica(failure, seen),
            Self::Never => false,
        }
    }
}

/// Configuration, the identity, the files and the policy of a replica can differ from its neighbours'. An access key and
/// the rights of an identity are the app's: when Redis refuses those, it refuses every replica.
fn is_of_this_replica(failure: &Finding, seen: &Evidence) -> bool {
    match failure.kind {
        Kind::Config | Kind::NotAllowed | Kind::TokenRejected => true,
        // The issuer is not in a file that was given to this replica.
        Kind::TlsUntrusted => {
            let of = |evidence: &Evidence| evidence.get("tls.roots").map(str::to_owned);
            let roots = of(&failure.evidence).or_else(|| of(seen));
            roots.is_some_and(|roots| roots.ends_with("_FILE"))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(kind: Kind) -> Finding {
        Finding {
            kind,
            step: None,
            output: String::new(),
            remedy: String::new(),
            evidence: Evidence::new(),
        }
    }

    fn counted(policy: ReadinessPolicy) -> Vec<Kind> {
        let counts = |kind: &Kind| policy.counts(&finding(*kind), &Evidence::new());
        Kind::ALL.into_iter().filter(counts).collect()
    }

    #[test]
    fn each_policy_counts_what_it_says() {
        assert_eq!(counted(ReadinessPolicy::Cache), Kind::ALL);
        let replica = [Kind::Config, Kind::NotAllowed, Kind::TokenRejected];
        assert_eq!(counted(ReadinessPolicy::Replica), replica);
        assert_eq!(counted(ReadinessPolicy::Never), []);
    }

    #[test]
    fn an_issuer_that_is_missing_from_a_file_is_this_replicas_and_from_the_built_in_roots_is_not() {
        let untrusted = |roots: &str| {
            let mut finding = finding(Kind::TlsUntrusted);
            finding.evidence.set("tls.roots", roots);
            ReadinessPolicy::Replica.counts(&finding, &Evidence::new())
        };
        assert!(untrusted("REDIS_CA_FILE"));
        assert!(untrusted("REDIS_EXTRA_CA_FILE"));
        assert!(!untrusted("built-in"));
    }

    #[test]
    fn a_policy_has_one_name() {
        for policy in ReadinessPolicy::ALL {
            assert_eq!(ReadinessPolicy::of(policy.as_str()), Some(policy));
        }
        assert_eq!(ReadinessPolicy::of("Cache"), None);
    }
}
