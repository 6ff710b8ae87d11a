//! `deploy/azure/deploy.sh` and the access that there is already.

use super::subscription::{PRINCIPAL, Subscription, deploys};
use crate::{succeeds, text};

#[test]
fn access_that_is_there_and_suffices_is_left_alone() {
    for (policy, permissions) in [
        ("Data Owner", ""),
        ("Data Contributor", ""),
        ("shop", "+@read +@write ~*\n"),
        ("probe", "+set +get +ping ~health\n"),
    ] {
        let subscription = Subscription::new();
        subscription.has_access("the-apps-own", policy);
        subscription.has("permissions", permissions);
        let before = subscription.access();
        let said = succeeds(&subscription.run("deploy.sh", &["--image", "i"]));
        assert!(said.contains("has access already"), "{said}");
        assert!(
            !subscription.calls().contains("assignment create"),
            "{policy}"
        );
        assert_eq!(subscription.access(), before);
    }
    let subscription = Subscription::new();
    subscription.has_access("theapps", "default");
    let arguments = ["--image", "i", "--managed-redis"];
    let said = succeeds(&subscription.run("deploy.sh", &arguments));
    assert!(said.contains("has access already"), "{said}");
    assert!(!subscription.calls().contains("assignment create"));
}

#[test]
fn access_that_does_not_suffice_is_named_with_what_it_lacks_and_not_changed() {
    for (policy, permissions, lacks) in [
        ("Data Reader", "", "lacks +set."),
        ("shop", "+get ~shop:*\n", "lacks +set ~health."),
        ("none", "+ping\n", "lacks +set +get ~health."),
    ] {
        let subscription = Subscription::new();
        subscription.has_access("the-apps-own", policy);
        subscription.has("permissions", permissions);
        let before = subscription.access();
        let output = subscription.run("deploy.sh", &["--image", "i"]);
        let said = text(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(lacks), "{said}");
        // What it advises is what Azure takes.
        let advice = said
            .lines()
            .find(|line| line.contains("access-policy-assignment update"));
        let advice = advice.expect("a command").trim().to_owned();
        assert_eq!(subscription.access(), before);
        assert!(!subscription.calls().contains("--yaml"), "{said}");
        let cured = subscription.shell(&advice);
        assert!(cured.status.success(), "{}", text(&cured));
        succeeds(&subscription.run("deploy.sh", &["--image", "i"]));
    }
}

#[test]
fn the_fake_az_refuses_a_second_assignment_as_azure_does() {
    let subscription = Subscription::new();
    subscription.has_access("the-apps-own", "Data Reader");
    let create = format!(
        "az redis access-policy-assignment create --name c --resource-group rg --policy-assignment-name \
         other --access-policy-name 'Data Contributor' --object-id {PRINCIPAL} --object-id-alias shop"
    );
    let refused = subscription.shell(&create);
    assert!(!refused.status.success());
    assert!(
        text(&refused).contains("duplicate entries"),
        "{}",
        text(&refused)
    );
}

#[test]
fn a_second_app_on_the_same_cache_takes_no_access_from_the_first() {
    let name_of = |principal: &str| {
        let subscription = Subscription::new();
        subscription.has("principal", principal);
        succeeds(&subscription.run("deploy.sh", &["--image", "i"]));
        let calls = subscription.calls();
        let name = calls.split("--policy-assignment-name ").nth(1);
        name.and_then(|rest| rest.split(' ').next())
            .expect("a name")
            .to_owned()
    };
    assert_ne!(
        name_of("8a1f0000-0000-0000-0000-000000000001"),
        name_of("8a1f0000-0000-0000-0000-000000000002")
    );
}

#[test]
fn a_policy_of_the_least_rights_is_a_flag() {
    let (_subscription, calls) = deploys(&["--custom-policy"]);
    assert!(
        calls.contains("--permissions +set +get +ping ~health"),
        "{calls}"
    );
    assert!(
        calls.contains("--access-policy-name cache-health --object-id"),
        "{calls}"
    );
}
