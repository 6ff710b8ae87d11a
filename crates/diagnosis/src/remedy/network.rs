//! Names, addresses, connections that are refused, ended or silent.

use crate::{Case, Service, Spelling};
use cache_health_report::{AuthMethod, Kind, Step};

/// What to do.
pub fn remedy(case: &Case<'_>) -> String {
    match case.kind {
        Kind::Dns => dns(case),
        Kind::Connect => format!(
            "Check REDIS_PORT{}, the cache's firewall rules and private endpoint, and that it is running. {}",
            ports(case),
            case.service().show("provisioningState")
        ),
        Kind::Closed => closed(case),
        _ => timeout(case),
    }
}

fn dns(case: &Case<'_>) -> String {
    match case.value("dns.answer") {
        Some("SERVFAIL" | "REFUSED" | "timeout") => {
            "The name server is at fault, and not the name: check the virtual network's DNS settings, that the resolver \
             behind it runs and may be reached on port 53, and a private resolver's forwarding rules for the zone."
                .into()
        }
        Some("no-addresses") => {
            "The name leads to no address: with a private endpoint, its private DNS zone is linked and lacks the A record. \
             Look at the endpoint's DNS configuration."
                .into()
        }
        _ => format!(
            "Check REDIS_HOST. With a private endpoint, link its private DNS zone to the app's virtual network. {}",
            case.service().show("hostName")
        ),
    }
}

/// Which port it ought to be, said only where the configured one is another.
fn ports(case: &Case<'_>) -> String {
    let configured: Option<u16> = case.check.number("redis.port");
    let expected = case.service().port();
    match case.service() {
        Service::Unknown => " (6380 on Azure Cache for Redis, 10000 on Azure Managed Redis)".into(),
        _ if configured == Some(expected) => String::new(),
        _ => format!(" (the service of that name listens on {expected})"),
    }
}

fn closed(case: &Case<'_>) -> String {
    match case.step {
        Some(Step::Tls) if case.is("tls.receivedBytes", "0") => {
            "The connection was taken and ended before a byte came back: so do Azure's firewall rules, and a cache whose \
             public network access is switched off. Allow the app's outgoing address in the cache's firewall, or reach it \
             through its private endpoint. A server at its limit of clients does the same."
                .into()
        }
        Some(Step::Tls) => {
            "The handshake was ended from the other side: a firewall, a proxy on the way, or a server at its limit of \
             clients. Check the cache's firewall rules, private endpoint and connected clients."
                .into()
        }
        _ => "The connection was ended from the other side: maintenance, a restart, a firewall, or the limit of clients. \
              Check the cache's connected clients and planned maintenance."
            .into(),
    }
}

fn timeout(case: &Case<'_>) -> String {
    match case.step {
        Some(Step::Dns) => "The name server does not answer: check the virtual network's DNS settings.".into(),
        Some(Step::Tcp | Step::Connect) => format!(
            "Nothing answers on port $REDIS_PORT{}: {}a firewall, a network security group or a missing private endpoint \
             drops the packets, or the server is down. {}",
            ports(case),
            public_address(case),
            match case.spelling {
                // Spin shows none, and lets what is over its limit wait.
                Spelling::Spin =>
                    "A connection over max_connections of [outbound_redis] in the runtime configuration waits as well.",
                Spelling::Environment => "The addresses that were tried are in the evidence.",
            }
        ),
        Some(Step::Tls) => {
            "The server took the connection and was silent after our ClientHello: is $REDIS_PORT a plaintext port, or the \
             server hung?"
                .into()
        }
        Some(Step::Auth) if case.method == Some(AuthMethod::Entra) => {
            "Azure can take ten seconds to validate an Entra token: raise CACHE_HEALTH_TIMEOUT, and check the server load."
                .into()
        }
        _ => "Redis has stopped answering: check its server load, memory and maintenance; raise CACHE_HEALTH_TIMEOUT if it \
              is only slow."
            .into(),
    }
}

/// With a private endpoint, a public address means that its private DNS zone is not in use.
fn public_address(case: &Case<'_>) -> &'static str {
    let public = |addresses: &str| {
        addresses
            .split(", ")
            .any(|address| address.ends_with("(public)"))
    };
    if case.value("addresses").is_some_and(public) {
        "the name led to a public address; if the cache has a private endpoint, link its private DNS zone to the app's \
         virtual network. Otherwise "
    } else {
        ""
    }
}
