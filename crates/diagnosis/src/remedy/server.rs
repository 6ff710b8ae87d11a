//! What Redis, or what stands in front of it, answers with an error.

use crate::Case;
use cache_health_report::{Kind, Step};

/// What to do.
pub fn remedy(case: &Case<'_>) -> String {
    match case.kind {
        Kind::Loading => "Redis is loading its data after a restart or failover. Wait; if it lasts, check the cache's memory and \
             server load."
            .into(),
        Kind::ReadOnly => format!(
            "A replica answered: a failover is under way, or REDIS_HOST points at a geo-replica. Use the primary's host name. {}",
            case.service().show("hostName")
        ),
        Kind::OutOfMemory => "The cache's memory is full and its policy evicts nothing: scale up, or set maxmemory-policy to \
             allkeys-lru."
            .into(),
        Kind::Moved => moved(case),
        Kind::Mismatch => "Somebody else writes the key: set REDIS_HEALTH_KEY to one of the probe's own in place of \
             `$REDIS_HEALTH_KEY`."
            .into(),
        _ => by_code(case),
    }
}

fn moved(case: &Case<'_>) -> String {
    let asked = case.is("redis.code", "ASK");
    let why = match case.value("redis.nodeProblem") {
        Some("timeout") => {
            "the node does not answer: let the network reach its port (85xx on Azure Managed Redis, 150xx on Azure \
             Cache for Redis). Opening the service's own port alone is a common fault"
        }
        Some("connect") => {
            "nothing listens at the node's address: the network must reach its port (85xx on Azure Managed Redis, 150xx \
             on Azure Cache for Redis), and the address has to be one that clients can use"
        }
        Some("tls-hostname") => {
            "the node's certificate is not for the configured name, so it got no credential: each node needs a \
             certificate for it"
        }
        Some("tls-untrusted" | "tls-expired" | "tls-protocol") => {
            "the TLS handshake with the node failed: it presents another certificate than the first node, or no TLS"
        }
        Some("auth-rejected") => {
            "the node refuses the credential that the first one took: nodes of a cluster need the same users"
        }
        Some("dns") => {
            "the node's name does not resolve: it announces a name that only its own network knows \
             (cluster-announce-hostname)"
        }
        _ => {
            "the node could not be used: let the network reach its port (85xx on Azure Managed Redis, 150xx on Azure Cache for \
             Redis)"
        }
    };
    let moving = if asked {
        " The key's slot is being moved to another shard: while that lasts, clients are asked on."
    } else {
        ""
    };
    format!(
        "The cache is clustered, the key lives on another node, and {why}.{moving} A plain client fails here: use a cluster client, \
         or the Enterprise clustering policy. {}",
        case.service().show("hostName")
    )
}

/// By the code, and where a code says many things, by the meaning that was read out of the reply.
fn by_code(case: &Case<'_>) -> String {
    let code = case.value("redis.code").unwrap_or("ERR");
    let text = match (code, case.value("redis.meaning")) {
        (_, Some(meaning)) => return by_meaning(meaning, case),
        ("CLUSTERDOWN", _) => {
            "The cluster cannot serve the key's slot: a shard is down, or no node serves the slot. Wait for a failover; if it \
             lasts, check the health of the cache's shards (nodes), and that all 16384 slots are assigned."
        }
        ("MASTERDOWN", _) => {
            "A replica answered that has lost its primary and may not serve what it has: a failover is under way, or the \
             primary is down. Use the primary's host name."
        }
        ("MISCONF", _) => {
            "Redis stopped writes because it cannot save its data: look at its disk and its log, and at data persistence in the \
             portal (the storage account has to be reachable)."
        }
        ("NOREPLICAS", _) => {
            "Redis stopped writes because too few replicas follow it (min-replicas-to-write): check the replicas' health."
        }
        ("TRYAGAIN", _) => {
            "The key's slot is being moved to another shard (resharding): wait until that is over."
        }
        ("ASK", _) => {
            "The key's slot is being moved to another shard (resharding), and the node that it moves to could not be used."
        }
        ("CROSSSLOT", _) => {
            "A proxy or the server took the command for one of many keys: no policy of Azure's does that to SET and GET."
        }
        ("BUSY", _) => {
            "A script keeps Redis busy and everybody else waiting: find it in the app, and end it with SCRIPT KILL (or by a reboot \
             of the cache, where that is not allowed)."
        }
        ("UNKILLABLE", _) => {
            "A script that has written keeps Redis busy and cannot be ended: reboot the cache."
        }
        ("WRONGTYPE", _) => {
            "Somebody else has the key $REDIS_HEALTH_KEY, with a value of another type: set REDIS_HEALTH_KEY to one of the probe's own."
        }
        ("NOPROTO" | "UNBLOCKED", _) => {
            "A proxy in front of Redis lacks what a client needs: check what answers at REDIS_HOST."
        }
        ("NOGOODSLAVE" | "INPROG" | "NOQUORUM", _) => {
            "A sentinel answered, and not Redis: set REDIS_HOST and REDIS_PORT to the primary that the sentinel names."
        }
        ("IOERR", _) => {
            "Redis cannot move a key to another node: check the network between the nodes."
        }
        (
            "EXECABORT" | "NOSCRIPT" | "NOTBUSY" | "BUSYKEY" | "BUSYGROUP" | "NOGROUP" | "UNSTABLE"
            | "FAILOVER",
            _,
        ) => {
            "Something else than a plain SET and GET reached Redis: check what stands between (a proxy that rewrites commands)."
        }
        ("DENIED", _) => {
            "Redis is in protected mode and takes only clients of its own machine: give it a password, or bind it to an address \
             on purpose."
        }
        _ => return unknown(code, case),
    };
    text.to_owned()
}

fn by_meaning(meaning: &str, case: &Case<'_>) -> String {
    let text = match meaning {
        "max-clients" => {
            "The cache is at its limit of clients: find what keeps connections open (a pool per request, a client per thread), close \
             idle ones, or scale up. Each size of Azure's has its own limit."
        }
        "no-password-set" => {
            "The server has no password for the user default, so it takes no access key: it is another server than the one that is \
             meant, or its authentication is off. Check REDIS_HOST and REDIS_PORT."
        }
        "old-auth" => {
            "The server takes AUTH with one argument only: it is older than Redis 6, or a proxy that knows no users. Entra needs \
             Redis 6 or later."
        }
        "unknown-command" => match case.step {
            Some(Step::Auth) => {
                "What answers knows no AUTH: it is a sentinel or a proxy, and not the cache. Check REDIS_HOST and REDIS_PORT."
            }
            _ => {
                "What answers does not know the command, or has it renamed: a sentinel, a proxy with few commands, or a server with \
                 rename-command. Check REDIS_HOST and REDIS_PORT."
            }
        },
        "database-index" => "There is no database of that number: a cluster has only database 0.",
        "syntax" => {
            "What answers does not take SET with EX: it is older than Redis 2.6.12, or a proxy that checks arguments."
        }
        "proxy-upstream" => {
            "A proxy in front of Redis answered, and has no server behind it that works: check the proxy's upstream (Envoy: cluster \
             health; twemproxy: server list)."
        }
        "sentinel" => {
            "A sentinel answered, and not Redis: set REDIS_HOST and REDIS_PORT to the primary that the sentinel names."
        }
        "protected-mode" => {
            "Redis is in protected mode and takes only clients of its own machine: give it a password, or bind it to an address on \
             purpose."
        }
        "slow-start" => "A proxy in front of Redis is not ready yet: wait.",
        _ => return unknown("ERR", case),
    };
    text.to_owned()
}

fn unknown(code: &str, case: &Case<'_>) -> String {
    let show = case.service().show("provisioningState");
    format!(
        "Redis, or a proxy in front of it, does not take the command, and {code} is none of the codes in Redis' own documentation. \
         Try it with redis-cli over TLS to read the whole reply, which cache-health keeps to itself since it can repeat what was \
         sent. {show}"
    )
}
