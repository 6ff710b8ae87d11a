//! What happened, in one sentence.

use crate::Case;
use cache_health_report::{AuthMethod, Kind, Step};

/// Where the cache is, in texts.
const PLACE: &str = "$REDIS_HOST:$REDIS_PORT";

/// What happened.
pub fn sentence(case: &Case<'_>) -> String {
    let command = case.step.map_or("the step", command);
    let who = who(case);
    match case.kind {
        Kind::Config => config(case),
        Kind::NotAllowed => format!(
            "The host does not allow the connection: {}",
            case.value("policy").unwrap_or("its policy forbids it")
        ),
        Kind::Dns => dns(case).into(),
        Kind::Connect => format!("{PLACE} refused the connection or is unreachable"),
        Kind::TlsUntrusted => untrusted(case),
        Kind::TlsHostname => format!("The certificate of {PLACE} is for another name"),
        Kind::TlsExpired if case.is("tls.problem", "not-valid-yet") => {
            format!(
                "The certificate of {PLACE} is not valid yet{}",
                date(case, "tls.notBefore", ": it starts at ")
            )
        }
        Kind::TlsExpired => {
            format!(
                "The certificate of {PLACE} has ended{}",
                date(case, "tls.notAfter", " at ")
            )
        }
        Kind::TlsProtocol => protocol(case),
        Kind::TokenUnavailable | Kind::TokenRejected => token(case),
        Kind::AuthRejected => format!("Redis refused {who} (WRONGPASS)"),
        Kind::AuthRequired => format!("Redis wants authentication before {command} (NOAUTH)"),
        Kind::PermissionDenied => {
            format!("Redis does not allow {command} $REDIS_HEALTH_KEY to {who} (NOPERM)")
        }
        Kind::Loading => "Redis is loading its data set (LOADING)".into(),
        Kind::ReadOnly => format!("{PLACE} is a replica that takes no writes (READONLY)"),
        Kind::OutOfMemory => "Redis is out of memory (OOM)".into(),
        Kind::Moved => format!(
            "The key $REDIS_HEALTH_KEY{} lives on $REDIS_NODE, which could not be used ({})",
            case.value("redis.slot")
                .map_or_else(String::new, |slot| format!(" (slot {slot})")),
            case.value("redis.code").unwrap_or("MOVED"),
        ),
        Kind::ServerError => format!(
            "Redis answered {command} with {}",
            case.value("redis.code").unwrap_or("an error")
        ),
        Kind::Mismatch => "GET $REDIS_HEALTH_KEY did not return the value that was SET".into(),
        Kind::Closed => format!("{PLACE} ended the connection during {command}"),
        Kind::Timeout => format!("{PLACE} did not answer {command} in time"),
        Kind::Stale => format!(
            "The newest sample is {} s old",
            case.value("sample.ageSeconds").unwrap_or("too many")
        ),
        Kind::Protocol => format!("{PLACE} answered {command} with what is not Redis"),
        Kind::Internal => case
            .value("problem")
            .unwrap_or("Something went wrong inside of cache-health")
            .into(),
        Kind::Fallback => "An access key is used because no Entra identity is configured".into(),
        Kind::SecondaryKey => "The secondary access key is used".into(),
        Kind::TokenExpiring => {
            "The token ends in less than five minutes and could not be renewed".into()
        }
        Kind::CertificateExpiring => {
            "The server's certificate ends in less than fourteen days".into()
        }
    }
}

fn config(case: &Case<'_>) -> String {
    let variable = case.value("config.variable").unwrap_or("A setting");
    let problem = case.value("config.problem").unwrap_or("cannot be used");
    format!("{variable} {problem}")
}

/// What stood around a value and was left out (`key.removed`), as the problem of its variable.
pub fn left_out(removed: &str) -> &'static str {
    match removed {
        "byte-order-mark" => "starts with a byte order mark, which was left out",
        _ => "stands in quotation marks, which were left out",
    }
}

fn dns(case: &Case<'_>) -> &'static str {
    match case.value("dns.answer") {
        Some("SERVFAIL") => "The name server failed when it was asked for $REDIS_HOST (SERVFAIL)",
        Some("REFUSED") => "The name server refuses to look $REDIS_HOST up (REFUSED)",
        Some("timeout") => "No name server answered when it was asked for $REDIS_HOST",
        Some("no-addresses") => "The name $REDIS_HOST exists and has no address",
        Some("NXDOMAIN") => "There is no such name as $REDIS_HOST (NXDOMAIN)",
        _ => "The host name $REDIS_HOST does not resolve",
    }
}

fn untrusted(case: &Case<'_>) -> String {
    let why = match case.value("tls.problem") {
        Some("self-signed") => "is signed by nobody but itself",
        Some("bad-signature") => "has a signature that does not fit its issuer",
        Some("revoked") => "was revoked",
        Some("authority-as-server") => "is one of an authority, and not one of a server",
        Some("purpose") => "is not for servers (its extended key usage)",
        Some("form") => "cannot be read",
        Some("key") => "has a key or a signature of a kind that is not accepted",
        Some("constraints") => "is for a name that its authority may not vouch for",
        Some("chain-too-long") => "has a chain that is too long",
        _ => "is not from a trusted issuer",
    };
    format!("The certificate of {PLACE} {why}")
}

fn date(case: &Case<'_>, name: &str, before: &str) -> String {
    case.value(name)
        .map_or_else(String::new, |date| format!("{before}{date}"))
}

fn protocol(case: &Case<'_>) -> String {
    if case.value("tls.clientCertificate").is_some() {
        return format!("{PLACE} ended the TLS handshake because it wants a client certificate");
    }
    match case.value("tls.received") {
        Some("http") => format!("{PLACE} speaks plain-text HTTP, not TLS"),
        Some("redis") => format!("{PLACE} speaks Redis without TLS"),
        Some("plaintext") => format!("{PLACE} speaks plain text, not TLS"),
        _ => match case.value("tls.alert") {
            Some(alert) => format!("{PLACE} ended the TLS handshake with the alert {alert}"),
            None => format!("The TLS handshake with {PLACE} failed"),
        },
    }
}

/// Whoever was asked for a token.
fn issuer(case: &Case<'_>) -> &'static str {
    match case.label {
        _ if case.is("identity.platform", "arc") => "The identity endpoint of Azure Arc's agent",
        _ if case.is("identity.platform", "imds") => "The machine's metadata service (IMDS)",
        Some("managed-identity") | None => "The identity endpoint",
        Some("azure-cli") => "The Azure CLI (az)",
        Some("azure-developer-cli") => "The Azure Developer CLI (azd)",
        Some(_) => "Entra's token endpoint",
    }
}

fn token(case: &Case<'_>) -> String {
    let issuer = issuer(case);
    let code = case
        .value("identity.code")
        .map_or_else(String::new, |code| format!(", {code}"));
    match (
        case.value("identity.problem"),
        case.value("identity.status"),
    ) {
        (Some("unreachable"), _) => format!("{issuer} cannot be reached"),
        (Some("timeout"), _) => format!("{issuer} did not answer in time"),
        (Some("not-a-token"), _) => format!("{issuer} answered with what is not a token response"),
        (Some("challenge"), _) => {
            "The identity endpoint of Azure Arc wants a file read that is not its agent's".into()
        }
        (Some("challenge-unreadable"), _) => {
            "The file that Azure Arc's agent wants read cannot be read".into()
        }
        (Some("proxy"), _) => format!("{issuer} cannot be reached through HTTPS_PROXY"),
        (Some("no-tool"), _) => format!("{issuer} cannot be run"),
        (Some("not-logged-in"), _) => format!("{issuer} gave no token{code}: nobody is logged in"),
        (Some("not-a-jwt"), _) => "The token is not a JSON Web Token".into(),
        (Some("no-object-id"), _) => "The token has no oid claim to take as the user name".into(),
        (Some("expired"), _) => format!(
            "The token had ended {} before it was handed out, by this machine's clock",
            length(case.seen.number("identity.expiredSeconds").unwrap_or(0))
        ),
        (_, Some(status)) if case.kind == Kind::TokenRejected => {
            format!("{issuer} refused to hand out a token ({status}{code})")
        }
        (_, Some(status)) => format!("{issuer} answered {status}{code}"),
        _ => format!("{issuer} gave no token"),
    }
}

/// A length of time as people say it.
fn length(seconds: i64) -> String {
    match seconds {
        ..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3600),
    }
}

/// A step, as the object of a sentence.
pub fn command(step: Step) -> &'static str {
    match step {
        Step::Dns => "the look-up of its name",
        Step::Tcp | Step::Connect => "the connection attempt",
        Step::Tls => "the TLS handshake",
        Step::Token => "the request for a token",
        Step::Auth => "AUTH",
        Step::Set => "SET",
        Step::Get => "GET",
    }
}

fn who(case: &Case<'_>) -> String {
    match (case.method, case.label) {
        (Some(AuthMethod::Entra), _) => "the Entra token of $PRINCIPAL_ID".into(),
        (Some(AuthMethod::AccessKey), Some(label)) => format!("the {label} access key"),
        _ => "the credential".into(),
    }
}
