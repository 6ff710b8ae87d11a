use super::*;
use crate::capabilities::AuthPolicy;
use std::time::Duration;

fn settings(host: &str) -> Settings {
    Settings {
        auth: AuthPolicy::Auto,
        deadline: Duration::from_secs(5),
        max_age: Duration::from_secs(10),
        host: host.into(),
        port: 6380,
        key: "health".into(),
    }
}

fn with(settings: &Settings) -> Circumstances<'_> {
    Circumstances {
        settings: Some(settings),
        step: Some(Step::Set),
        method: Some(AuthMethod::Entra),
        label: None,
        principal: Some("8a1f"),
        no_such_identity: false,
        ended_ago: None,
    }
}

#[test]
fn every_kind_has_a_remedy_for_both_services() {
    for host in [
        "c.redis.cache.windows.net",
        "c.westeurope.redis.azure.net",
        "10.0.0.4",
    ] {
        let settings = settings(host);
        for kind in Kind::ALL {
            let text = remedy(kind, with(&settings));
            assert!(text.len() > 20, "{kind}: {text}");
            assert!(!text.contains("  "), "{kind}: {text}");
        }
    }
}

/// Every command in a remedy, from `az` to the end or the bracket after it.
fn commands(text: &str) -> Vec<Vec<&str>> {
    text.split("az ")
        .skip(1)
        .map(|rest| rest.split(['(', ')']).next().unwrap_or(rest))
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
    let table = include_str!("../../tests/az/commands.tsv");
    let line = table
        .lines()
        .find(|line| line.split('\t').next() == Some(command))
        .unwrap_or_else(|| panic!("az {command} is not in tests/az/commands.tsv"));
    let required = line.split('\t').nth(1).unwrap_or_default();
    required
        .split(' ')
        .filter(|option| !option.is_empty())
        .collect()
}

#[test]
fn every_command_in_a_remedy_has_what_the_cli_requires() {
    let mut seen = 0;
    for host in ["c.redis.cache.windows.net", "c.westeurope.redis.azure.net"] {
        let settings = settings(host);
        for kind in Kind::ALL {
            for method in [AuthMethod::Entra, AuthMethod::AccessKey] {
                for label in ["managed-identity", WORKLOAD_IDENTITY] {
                    for no_such_identity in [false, true] {
                        let text = remedy(
                            kind,
                            Circumstances {
                                method: Some(method),
                                label: Some(label),
                                no_such_identity,
                                ended_ago: None,
                                ..with(&settings)
                            },
                        );
                        for words in commands(&text) {
                            let options = words.iter().position(|word| word.starts_with("--"));
                            let name = words[..options.unwrap_or(words.len())].join(" ");
                            // Pasted as it stands, a full stop would be part of the last argument.
                            let last = words.last().copied().unwrap_or_default();
                            assert!(!last.ends_with(['.', ',']), "{last} in {text}");
                            for option in required(&name) {
                                assert!(words.contains(&option), "{option} in {text}");
                            }
                            seen += 1;
                        }
                    }
                }
            }
        }
    }
    assert!(seen > 50, "{seen} commands");
}

#[test]
fn a_refused_workload_identity_is_told_to_federate_and_a_managed_one_is_not() {
    let settings = settings("c.redis.cache.windows.net");
    let text = |label| {
        remedy(
            Kind::TokenRejected,
            Circumstances {
                label: Some(label),
                ..with(&settings)
            },
        )
    };
    assert!(text(WORKLOAD_IDENTITY).contains("federated-credential create"));
    assert!(!text("managed-identity").contains("federated-credential"));
}

#[test]
fn an_identity_that_is_not_assigned_names_the_variable_for_a_user_assigned_one() {
    let settings = settings("c.redis.cache.windows.net");
    let text = remedy(
        Kind::TokenRejected,
        Circumstances {
            no_such_identity: true,
            ..with(&settings)
        },
    );
    assert!(text.contains("AZURE_CLIENT_ID"), "{text}");
}

#[test]
fn a_refused_identity_gets_the_command_with_everything_it_requires() {
    let settings = settings("shop.redis.cache.windows.net");
    let text = remedy(Kind::AuthRejected, with(&settings));
    for part in [
        "--name shop ",
        "--policy-assignment-name ",
        "--access-policy-name \"Data Contributor\"",
        "--object-id \"8a1f\" ",
        "--policy-assignment-name \"cache-health-8a1f\" ",
        "--object-id-alias ",
        "--resource-group ",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn managed_redis_gets_its_own_command() {
    let settings = settings("shop.westeurope.redis.azure.net");
    let text = remedy(Kind::PermissionDenied, with(&settings));
    assert!(text.contains("az redisenterprise database access-policy-assignment update"));
    assert!(text.contains("--cluster-name shop "));
    assert!(text.contains("Data Reader cannot SET"));
}
