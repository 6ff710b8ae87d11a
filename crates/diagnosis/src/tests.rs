use super::*;

const HOSTS: [&str; 4] = [
    "c.redis.cache.windows.net",
    "c.westeurope.redis.azure.net",
    "c.westeurope.redisenterprise.cache.azure.net",
    "10.0.0.4",
];

fn check(host: &str) -> Evidence {
    let mut check = Evidence::of("redis.host", host)
        .with("redis.port", "6380")
        .with("redis.key", "health")
        .with("identity.principalId", "8a-1f");
    if let Some(name) = Service::of(host).name() {
        check.set("redis.name", name);
    }
    check
}

fn case<'a>(kind: Kind, seen: &'a Evidence, check: &'a Evidence) -> Case<'a> {
    Case {
        step: Some(Step::Set),
        method: Some(AuthMethod::Entra),
        check,
        ..Case::of(kind, seen)
    }
}

/// Everything that can decide a remedy, with each of its values.
const SEEN: [(&str, &[&str]); 13] = [
    ("identity.platform", &["app-service", "arc", "imds"]),
    (
        "identity.problem",
        &[
            "unreachable",
            "timeout",
            "not-a-token",
            "not-a-jwt",
            "no-object-id",
            "expired",
            "not-allowed",
            "no-endpoint",
            "challenge",
            "challenge-unreadable",
            "proxy",
            "no-tool",
            "not-logged-in",
        ],
    ),
    ("identity.status", &["400", "401", "404", "429", "500"]),
    (
        "identity.code",
        &[
            "AADSTS700024",
            "AADSTS70021",
            "AADSTS700213",
            "AADSTS1",
            "invalid_client",
        ],
    ),
    (
        "dns.answer",
        &["NXDOMAIN", "SERVFAIL", "REFUSED", "timeout", "no-addresses"],
    ),
    (
        "tls.problem",
        &[
            "self-signed",
            "bad-signature",
            "revoked",
            "authority-as-server",
            "purpose",
            "form",
            "no-names",
            "not-valid-yet",
        ],
    ),
    ("tls.chain", &["only the server's certificate", "complete"]),
    (
        "tls.alert",
        &["handshake_failure", "unrecognized_name", "internal_error"],
    ),
    ("tls.received", &["http", "redis", "plaintext"]),
    ("tls.clientCertificate", &["requested"]),
    (
        "redis.code",
        &[
            "CLUSTERDOWN",
            "MASTERDOWN",
            "MISCONF",
            "NOREPLICAS",
            "TRYAGAIN",
            "BUSY",
            "WRONGTYPE",
            "DENIED",
            "XYZ",
        ],
    ),
    (
        "redis.meaning",
        &[
            "max-clients",
            "no-password-set",
            "old-auth",
            "unknown-command",
            "sentinel",
            "proxy-upstream",
        ],
    ),
    (
        "key.shape",
        &[
            "quoted",
            "percent-encoded",
            "base64",
            "connection-string",
            "key-vault-reference",
            "masked",
            "truncated",
        ],
    ),
];

/// Every finding there can be, but for combinations.
fn all(mut look: impl FnMut(&Case<'_>, &Finding)) {
    for host in HOSTS {
        let check = check(host);
        for kind in Kind::ALL {
            for method in [AuthMethod::Entra, AuthMethod::AccessKey] {
                for label in ["managed-identity", "workload-identity", "primary"] {
                    for step in Step::ALL {
                        let seen = SEEN.iter().flat_map(|(name, values)| {
                            values.iter().map(move |value| (name, value))
                        });
                        let seen = seen.map(|(name, value)| Evidence::of(name, value));
                        for seen in seen.chain([Evidence::new()]) {
                            let case = Case {
                                method: Some(method),
                                label: Some(label),
                                step: Some(step),
                                ..case(kind, &seen, &check)
                            };
                            look(&case, &finding(&case));
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn every_finding_has_a_sentence_and_a_cure() {
    all(|case, finding| {
        assert!(finding.output.len() > 10, "{case:?}: {finding:?}");
        assert!(finding.remedy.len() > 20, "{case:?}: {finding:?}");
        for text in [&finding.output, &finding.remedy] {
            assert!(!text.contains("  "), "{case:?}: {text}");
            assert!(!text.contains("ook its code up"), "{case:?}: {text}");
        }
    });
}

/// Every command in a remedy, from `az` to the end or the bracket after it.
fn commands(text: &str) -> Vec<Vec<&str>> {
    text.split("az ")
        .skip(1)
        .map(|rest| rest.split([')', '\n']).next().unwrap_or(rest))
        .map(|command| {
            let words = command
                .split(' ')
                .map(|word| word.trim_end_matches(['.', ',']));
            words.take_while(|word| !word.is_empty()).collect()
        })
        .collect()
}

/// What each command requires, from the table that the fake `az` of the tests has as well.
fn required(command: &str) -> Vec<&'static str> {
    let table = include_str!("../../xtask/tests/az/commands.tsv");
    let line = table
        .lines()
        .find(|line| line.split('\t').next() == Some(command))
        .unwrap_or_else(|| panic!("az {command} is not in crates/xtask/tests/az/commands.tsv"));
    let required = line.split('\t').nth(1).unwrap_or_default();
    required
        .split(' ')
        .filter(|option| !option.is_empty())
        .collect()
}

#[test]
fn every_command_in_a_remedy_has_what_the_cli_requires() {
    let mut seen = std::collections::BTreeSet::new();
    all(|_, finding| {
        for words in commands(&finding.remedy) {
            let name: Vec<&str> = words
                .iter()
                .copied()
                .take_while(|word| !word.starts_with('-'))
                .collect();
            let name = name.join(" ");
            for option in required(&name) {
                assert!(words.contains(&option), "{option} in {}", finding.remedy);
            }
            seen.insert(name);
        }
    });
    assert!(seen.len() >= 10, "{seen:?}");
}

#[test]
fn no_value_of_the_deployment_is_in_a_text() {
    all(|case, finding| {
        for text in [&finding.output, &finding.remedy] {
            // The suffix of a private-link name is Azure's own.
            assert!(
                !text.contains("8a-1f") && !text.contains("10.0.0.4"),
                "{case:?}: {text}"
            );
            assert!(
                !text.contains("c.westeurope") && !text.contains(" c.redis"),
                "{case:?}: {text}"
            );
        }
    });
}

fn text(case: &Case<'_>) -> String {
    let finding = finding(case);
    format!("{} {}", finding.output, finding.remedy)
}

#[test]
fn a_wrong_client_id_is_not_told_to_assign_a_system_identity() {
    let check = check(HOSTS[0]);
    let asked = Evidence::of("identity.status", "400").with("identity.asked", "client_id");
    let told = text(&case(Kind::TokenRejected, &asked, &check));
    assert!(
        told.contains("AZURE_CLIENT_ID names an identity") && !told.contains("--system-assigned"),
        "{told}"
    );
    // The twin: nothing was asked for by name.
    let plain = Evidence::of("identity.status", "400");
    assert!(text(&case(Kind::TokenRejected, &plain, &check)).contains("--system-assigned"));
}

#[test]
fn a_name_server_that_failed_is_not_a_wrong_name() {
    let check = check(HOSTS[3]);
    let failed = Evidence::of("dns.answer", "SERVFAIL");
    let told = text(&case(Kind::Dns, &failed, &check));
    assert!(
        !told.contains("Check REDIS_HOST") && told.contains("name server"),
        "{told}"
    );
    let unknown = Evidence::of("dns.answer", "NXDOMAIN");
    assert!(text(&case(Kind::Dns, &unknown, &check)).contains("Check REDIS_HOST"));
}

#[test]
fn a_refused_identity_gets_the_command_with_everything_it_requires() {
    let seen = Evidence::new();
    let check = check(HOSTS[0]);
    let remedy = remedy(&case(Kind::AuthRejected, &seen, &check));
    let filled = cache_health_report::fill(&remedy, &seen, &check);
    for part in [
        "--name c ",
        "--access-policy-name \"Data Contributor\"",
        "--object-id \"8a-1f\" ",
        "--policy-assignment-name \"cache-health-8a-1f\" ",
    ] {
        assert!(filled.contains(part), "{part} in {filled}");
    }
}

#[test]
fn a_port_that_is_not_the_services_is_named() {
    let seen = Evidence::new();
    let check = check(HOSTS[1]);
    let case = Case {
        step: Some(Step::Tcp),
        ..case(Kind::Timeout, &seen, &check)
    };
    assert!(text(&case).contains("listens on 10000"), "{}", text(&case));
}

#[test]
fn spin_users_are_told_their_own_names() {
    let seen = Evidence::new();
    let check = check(HOSTS[3]);
    let case = Case {
        spelling: Spelling::Spin,
        ..case(Kind::Dns, &seen, &check)
    };
    let told = text(&case);
    assert!(
        told.contains("Check redis_host.") && told.contains("$REDIS_HOST"),
        "{told}"
    );
}
