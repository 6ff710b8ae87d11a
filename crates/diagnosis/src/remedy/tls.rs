//! Certificates, and what is not TLS at all.

use crate::Case;
use cache_health_report::Kind;

/// What to do.
pub fn remedy(case: &Case<'_>) -> String {
    match case.kind {
        Kind::TlsHostname => hostname(case),
        Kind::TlsExpired => expired(case).into(),
        Kind::TlsUntrusted => untrusted(case),
        Kind::CertificateExpiring => "Azure renews its certificates by itself. For a private CA, renew the server's \
             certificate."
            .into(),
        Kind::Protocol => "What answers on port $REDIS_PORT speaks TLS but not Redis: check REDIS_HOST and REDIS_PORT.".into(),
        _ => protocol(case),
    }
}

fn hostname(case: &Case<'_>) -> String {
    let host = case
        .check
        .get("redis.host")
        .unwrap_or_default()
        .to_ascii_lowercase();
    if host.contains(".privatelink.") {
        let suffix = host
            .split_once(".privatelink.")
            .map_or("", |(_, suffix)| suffix);
        return format!(
            "Set REDIS_HOST to $REDIS_NAME.{suffix}: the certificate is for that name, and inside the virtual network it \
             leads to the private endpoint as well. The privatelink name is for DNS only."
        );
    }
    if case.is("tls.problem", "no-names") {
        return "The certificate has no subject alternative names, only a common name, which has not counted for years \
                (RFC 9525): issue one with the host name among its subject alternative names."
            .into();
    }
    "Set REDIS_HOST to a name in the certificate (tls.names in the evidence), not to an IP address or an alias of one's own."
        .into()
}

fn expired(case: &Case<'_>) -> &'static str {
    if case.is("tls.problem", "not-valid-yet") {
        "Check this machine's clock first: it is behind, or the certificate was issued for later. A suspended machine or \
         a virtual machine without time synchronisation is often behind."
    } else {
        "Azure renews its own certificates: check this machine's clock first, then who answers at REDIS_HOST. A private CA's \
         certificate has to be renewed; a server has to be told to load it."
    }
}

fn untrusted(case: &Case<'_>) -> String {
    let only_leaf = case.is("tls.chain", "only the server's certificate");
    match case.value("tls.problem") {
        Some("self-signed") => "The certificate vouches for itself: set REDIS_CA_FILE to it if the server is meant, and \
             check who answers at REDIS_HOST if not."
            .into(),
        Some("authority-as-server") => "The server presents a certificate that is marked as an authority's (CA:TRUE). Issue one \
             for the server, signed by it, and set REDIS_CA_FILE to the authority's."
            .into(),
        Some("purpose") => "The server's certificate lacks the extended key usage serverAuth: issue one that has it.".into(),
        Some("revoked") => "The certificate was revoked by its issuer: the server needs a new one. Check who answers at \
             REDIS_HOST."
            .into(),
        Some("bad-signature" | "form" | "key" | "constraints" | "chain-too-long") => "The certificate itself is at fault, and \
             no root would make it good: have it issued anew. With Azure, something on the way presents it: check who \
             answers at REDIS_HOST."
            .into(),
        _ if only_leaf => format!(
            "The server sent its own certificate alone, and its issuer (tls.issuer in the evidence) is not among the trusted \
             roots. Either the chain is incomplete, and the server leaves out the intermediate certificate of that name; or \
             it is the root of a private CA or of a proxy that inspects TLS. {}",
            which_roots(case)
        ),
        _ => format!(
            "The chain ends at an issuer that is not trusted (tls.issuer and tls.chain in the evidence): a private CA, a proxy \
             that inspects TLS, or a new root of the cloud's. {}",
            which_roots(case)
        ),
    }
}

fn which_roots(case: &Case<'_>) -> &'static str {
    if case.is("tls.roots", "REDIS_CA_FILE") {
        "The roots in REDIS_CA_FILE are all that is trusted: add the missing certificate there, or complete the chain on \
         the server."
    } else {
        "Set REDIS_CA_FILE to the certificate that is meant, or complete the chain on the server."
    }
}

fn protocol(case: &Case<'_>) -> String {
    if case.value("tls.clientCertificate").is_some() {
        return "The server wants a client certificate, which Azure's never do: set tls-auth-clients to no (or optional) in its \
                redis.conf, so that clients connect without one."
            .into();
    }
    match case.value("tls.received") {
        Some("http") => "An HTTP server answers on port $REDIS_PORT: an ingress or a proxy, and not Redis. Check REDIS_HOST and \
             REDIS_PORT; Redis needs a TCP ingress that passes TLS through."
            .into(),
        Some("redis" | "plaintext") => "Port $REDIS_PORT is the one without TLS: use the TLS port (6380 on Azure Cache for Redis, \
             10000 on Azure Managed Redis), or switch TLS on."
            .into(),
        _ => match case.value("tls.alert") {
            Some("protocol_version" | "handshake_failure" | "insufficient_security") => {
                "Server and client have no TLS version or cipher suite in common: this client speaks TLS 1.3, or 1.2 with AEAD \
                 suites. A proxy on the way that forces TLS 1.2 with CBC suites is the usual cause with Azure."
                    .into()
            }
            Some("unrecognized_name") => "The server knows no certificate for this name: check REDIS_HOST.".into(),
            Some(_) => "The server ended the handshake with an alert of its own (tls.alert in the evidence): look into its log.".into(),
            None => "Check that port $REDIS_PORT is the TLS port, and that no proxy on the way forces TLS 1.2 with CBC suites: this \
                 client speaks TLS 1.3, or 1.2 with AEAD suites."
                .into(),
        },
    }
}
