//! From a host name to addresses, with what the name server said.
//!
//! Each family is asked for on its own: a name whose AAAA question fails has its A records all the same (the resolver of
//! musl, which a static program would use, calls such a name unknown). The resolver is made anew for each connection, from
//! files that are read anew: nothing is cached between connections, failures included.

use crate::cache::CacheError;
use crate::files::Files;
use cache_health_report::Evidence;
use futures::future::{Either, select};
use hickory_resolver::config::{NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{RData, RecordType};
use hickory_resolver::{Hosts, TokioResolver, system_conf};
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

const RESOLV_CONF: &str = "/etc/resolv.conf";
const HOSTS: &str = "/etc/hosts";
/// The most bytes of either file that are read.
const MAX_CONFIGURATION: usize = 256 * 1024;
/// How long the other family may take once one has addresses (RFC 8305, 3).
const RESOLUTION_DELAY: Duration = Duration::from_millis(50);

/// Looks a host up. What was seen is added to the evidence, also when it fails.
pub async fn resolve(
    files: &Files,
    host: &str,
    evidence: &mut Evidence,
) -> Result<Vec<IpAddr>, CacheError> {
    if let Ok(address) = host.trim_matches(['[', ']']).parse() {
        return Ok(vec![address]);
    }
    let resolver = resolver(files).await;
    let six = pin!(resolver.lookup(host, RecordType::AAAA));
    let four = pin!(resolver.lookup(host, RecordType::A));
    let (six, four) = match select(six, four).await {
        Either::Left((six, four)) => {
            let four = within_reason(six.is_ok(), four).await;
            (Some(six), four)
        }
        Either::Right((four, six)) => {
            let six = within_reason(four.is_ok(), six).await;
            (six, Some(four))
        }
    };
    let (six, four) = (six.map(Answer::of), four.map(Answer::of));
    let answers: Vec<Answer> = six.into_iter().chain(four).collect();
    if let Some(chain) = answers
        .iter()
        .map(|a| &a.chain)
        .find(|chain| !chain.is_empty())
    {
        evidence.set("dns.chain", chain.join(" -> "));
    }
    let addresses = in_turn(&answers);
    if !addresses.is_empty() {
        return Ok(addresses);
    }
    let words = answers.iter().filter_map(|answer| answer.failure);
    evidence.set(
        "dns.answer",
        words.max().unwrap_or(Word::NoAddresses).as_str(),
    );
    Err(CacheError::Dns)
}

/// The addresses of one family and of the other in turn, so that one which does not answer is not all that is tried
/// (RFC 8305, 4).
fn in_turn(families: &[Answer]) -> Vec<IpAddr> {
    let most = families.iter().map(|family| family.addresses.len()).max();
    let nth = |at| {
        families
            .iter()
            .filter_map(move |family| family.addresses.get(at))
    };
    (0..most.unwrap_or(0)).flat_map(nth).copied().collect()
}

/// The other family: for a moment where one has addresses, to its end where it has not.
async fn within_reason<T>(had: bool, other: impl Future<Output = T>) -> Option<T> {
    if had {
        tokio::time::timeout(RESOLUTION_DELAY, other).await.ok()
    } else {
        Some(other.await)
    }
}

/// A resolver of the system's configuration as it is now. Without one, the name server is on this machine, as
/// resolv.conf(5) says.
async fn resolver(files: &Files) -> TokioResolver {
    let read = files.read(Path::new(RESOLV_CONF), MAX_CONFIGURATION).await;
    let parsed = read
        .ok()
        .and_then(|text| system_conf::parse_resolv_conf(text.as_slice()).ok());
    let (config, mut options) = parsed.unwrap_or_else(|| {
        let local = NameServerConfig::udp_and_tcp(IpAddr::from(Ipv4Addr::LOCALHOST));
        let config = ResolverConfig::from_parts(None, vec![], vec![local]);
        (config, ResolverOpts::default())
    });
    options.cache_size = 0;
    options.preserve_intermediates = true;
    let mut builder =
        TokioResolver::builder_with_config(config.clone(), TokioRuntimeProvider::default());
    *builder.options_mut() = options;
    let mut hosts = Hosts::default();
    if let Ok(text) = files.read(Path::new(HOSTS), MAX_CONFIGURATION).await {
        // A line that cannot be read is passed over, as libc does.
        let _ = hosts.read_hosts_conf(text.as_slice());
    }
    // Only a configuration without name servers cannot be built, and there is one.
    let mut resolver = builder.build().unwrap_or_else(|_| unreachable_resolver());
    resolver.set_hosts(Arc::new(hosts));
    resolver
}

/// A resolver that asks this machine.
#[expect(clippy::expect_used, reason = "its configuration is ours")]
fn unreachable_resolver() -> TokioResolver {
    let local = NameServerConfig::udp_and_tcp(IpAddr::from(Ipv4Addr::LOCALHOST));
    let config = ResolverConfig::from_parts(None, vec![], vec![local]);
    TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
        .build()
        .expect("a name server is configured")
}

/// What was said of one family.
struct Answer {
    addresses: Vec<IpAddr>,
    /// The names that led to them.
    chain: Vec<String>,
    failure: Option<Word>,
}

/// Why there is no address, the more telling last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Word {
    NoAddresses,
    Timeout,
    Refused,
    ServFail,
    NxDomain,
}

impl Word {
    fn as_str(self) -> &'static str {
        match self {
            Self::NoAddresses => "no-addresses",
            Self::Timeout => "timeout",
            Self::Refused => "REFUSED",
            Self::ServFail => "SERVFAIL",
            Self::NxDomain => "NXDOMAIN",
        }
    }

    fn of(error: &NetError) -> Self {
        let code = match error {
            NetError::Dns(DnsError::NoRecordsFound(none)) => none.response_code,
            NetError::Dns(DnsError::ResponseCode(code)) => *code,
            NetError::Timeout => return Self::Timeout,
            _ => ResponseCode::ServFail,
        };
        match code {
            ResponseCode::NoError => Self::NoAddresses,
            ResponseCode::NXDomain => Self::NxDomain,
            ResponseCode::Refused => Self::Refused,
            _ => Self::ServFail,
        }
    }
}

impl Answer {
    fn of(result: Result<Lookup, NetError>) -> Self {
        let lookup = match result {
            Ok(lookup) => lookup,
            Err(error) => {
                return Self {
                    addresses: Vec::new(),
                    chain: Vec::new(),
                    failure: Some(Word::of(&error)),
                };
            }
        };
        let mut answer = Self {
            addresses: Vec::new(),
            chain: Vec::new(),
            failure: None,
        };
        for record in lookup.answers() {
            match &record.data {
                RData::A(address) => answer.addresses.push(address.0.into()),
                RData::AAAA(address) => answer.addresses.push(address.0.into()),
                RData::CNAME(name) => answer
                    .chain
                    .push(name.to_utf8().trim_end_matches('.').to_owned()),
                _ => {}
            }
        }
        if answer.addresses.is_empty() {
            answer.failure = Some(Word::NoAddresses);
        }
        answer
    }
}

/// An address and whether it is private, for reports.
pub fn described(address: IpAddr) -> String {
    let place = match address {
        IpAddr::V4(four) if four.is_loopback() => "loopback",
        IpAddr::V6(six) if six.is_loopback() => "loopback",
        IpAddr::V4(four) if four.is_private() || four.is_link_local() => "private",
        IpAddr::V6(six) if six.is_unique_local() || six.is_unicast_link_local() => "private",
        _ => "public",
    };
    format!("{address} ({place})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_addresses_of_both_families_are_tried_in_turn() {
        let answer = |addresses: &[&str]| Answer {
            addresses: addresses.iter().filter_map(|a| a.parse().ok()).collect(),
            chain: Vec::new(),
            failure: None,
        };
        let six = answer(&["fd00::1", "fd00::2", "fd00::3"]);
        let tried = in_turn(&[six, answer(&["10.1.2.3"])]);
        let tried: Vec<_> = tried.iter().map(ToString::to_string).collect();
        assert_eq!(tried, ["fd00::1", "10.1.2.3", "fd00::2", "fd00::3"]);
        assert!(in_turn(&[]).is_empty());
    }

    #[test]
    fn addresses_say_whether_they_are_private() {
        for (address, place) in [
            ("127.0.0.1", "loopback"),
            ("10.1.2.3", "private"),
            ("192.168.1.1", "private"),
            ("20.1.2.3", "public"),
            ("::1", "loopback"),
            ("fd00::1", "private"),
            ("2603::1", "public"),
        ] {
            let described = described(address.parse().expect("an address"));
            assert_eq!(described, format!("{address} ({place})"));
        }
    }
}
