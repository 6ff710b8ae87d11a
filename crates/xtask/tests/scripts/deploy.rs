//! `deploy/azure/deploy.sh`.

use super::subscription::{PRINCIPAL, Subscription, deploys, script_of};
use crate::{succeeds, text};
use std::collections::BTreeMap;

/// The sidecar that was sent to Azure.
fn sidecar(subscription: &Subscription, calls: &str) -> serde_json::Value {
    assert!(subscription.path("yaml").exists(), "{calls}");
    let line = calls.lines().find(|line| line.contains("{properties:"));
    let query = line.and_then(|line| line.split('`').nth(1));
    let list: serde_json::Value =
        serde_json::from_str(query.expect("a literal")).expect("JSON in the query");
    list[0].clone()
}

#[test]
fn a_dry_run_prints_every_command_and_needs_no_az() {
    for script in ["deploy.sh", "verify.sh"] {
        let image: &[&str] = if script == "deploy.sh" {
            &["--image", "i"]
        } else {
            &[]
        };
        for service in [&[][..], &["--managed-redis"]] {
            let output = script_of(script)
                .args([image, service, &["--dry-run"]].concat())
                .output()
                .expect("bash");
            let text = succeeds(&output);
            assert!(text.matches("\naz ").count() >= 5, "{text}");
        }
    }
}

#[test]
fn deploy_takes_the_recipes_steps_in_order() {
    let (_subscription, calls) = deploys(&[]);
    let steps = [
        "identity assign --name shop --resource-group rg --system-assigned",
        &format!(
            "--access-policy-name Data Contributor --object-id {PRINCIPAL} --object-id-alias shop"
        ),
        "--container-name shop --set-env-vars REDIS_HOST=shop-cache.redis.cache.windows.net REDIS_PORT=6380",
        "containerapp update --name shop --resource-group rg --yaml",
    ];
    let mut from = 0;
    for step in steps {
        let at = calls[from..].find(step);
        from += at.unwrap_or_else(|| panic!("no {step} in\n{calls}"));
    }
    assert!(!calls.contains("secret set"), "no key was asked for");
}

#[test]
fn the_sidecar_is_told_what_takes_a_replica_out() {
    for (given, readiness) in [(&[][..], "cache"), (&["--readiness", "replica"], "replica")] {
        let (subscription, calls) = deploys(given);
        let sidecar = sidecar(&subscription, &calls);
        let set = serde_json::json!({ "name": "CACHE_HEALTH_READINESS", "value": readiness });
        assert!(
            sidecar["env"].as_array().expect("a list").contains(&set),
            "{sidecar}"
        );
    }
}

#[test]
fn every_manifest_says_what_takes_a_replica_out() {
    for manifest in [
        "deploy/azure/app.bicep",
        "deploy/azure/deploy.sh",
        "deploy/kubernetes/deployment.yaml",
        "deploy/spin/containerapp.yaml",
        "spin.toml",
    ] {
        let text = std::fs::read_to_string(crate::workspace().join(manifest)).expect(manifest);
        let name = "CACHE_HEALTH_READINESS";
        let named = text.contains(name) || text.contains(&name.to_ascii_lowercase());
        assert!(named, "{manifest}");
    }
}

#[test]
fn the_sidecar_asks_redis_for_readiness_only() {
    let (subscription, calls) = deploys(&["--port", "19000"]);
    let sidecar = sidecar(&subscription, &calls);
    let probes: BTreeMap<String, (String, u64)> = sidecar["probes"]
        .as_array()
        .expect("probes")
        .iter()
        .map(|probe| {
            let get = &probe["httpGet"];
            let path = get["path"].as_str().expect("a path").to_owned();
            let kind = probe["type"].as_str().expect("a type").to_owned();
            (kind, (path, get["port"].as_u64().expect("a port")))
        })
        .collect();
    assert_eq!(probes["Startup"], ("/livez".to_owned(), 19000));
    assert_eq!(probes["Liveness"], ("/livez".to_owned(), 19000));
    assert_eq!(probes["Readiness"], ("/readyz".to_owned(), 19000));
    let environment = sidecar["env"].to_string();
    assert!(environment.contains("0.0.0.0:19000"), "{environment}");
}

#[test]
fn a_key_goes_into_a_secret_and_onto_no_command_line() {
    let (subscription, calls) = deploys(&["--access-key"]);
    let stored = std::fs::read_to_string(subscription.path("secrets")).expect("a secret");
    assert_eq!(stored.trim(), "SECRET fake+/key=");
    assert!(!calls.contains("fake+/key="), "{calls}");
    let sidecar = sidecar(&subscription, &calls);
    assert!(
        sidecar["env"]
            .to_string()
            .contains(r#""secretRef":"redis-access-key""#)
    );
}

#[test]
fn a_key_can_stay_in_key_vault() {
    let (_subscription, calls) =
        deploys(&["--key-vault-secret", "https://v.vault.azure.net/secrets/k"]);
    let reference =
        "redis-access-key=keyvaultref:https://v.vault.azure.net/secrets/k,identityref:system";
    assert!(calls.contains(reference), "{calls}");
    assert!(!calls.contains("list-keys"), "{calls}");
}

#[test]
fn managed_redis_and_a_user_assigned_identity_are_flags() {
    let id = "/subscriptions/s/resourceGroups/rg/providers/x/id";
    let (subscription, calls) = deploys(&["--managed-redis", "--user-assigned", id]);
    for part in [
        "--cluster-name shop-cache --resource-group rg --database-name default",
        "--access-policy-assignment-name cachehealth8a1f0000000000000000000000000001",
        "REDIS_HOST=shop-cache.westeurope.redis.azure.net REDIS_PORT=10000",
    ] {
        assert!(calls.contains(part), "{part} in\n{calls}");
    }
    let environment = sidecar(&subscription, &calls)["env"].to_string();
    assert!(
        environment.contains("2cd00000-0000-0000-0000-000000000002"),
        "{environment}"
    );
}

#[test]
fn a_second_run_does_the_same() {
    let subscription = Subscription::new();
    let once = || {
        succeeds(&subscription.run("deploy.sh", &["--image", "i"]));
        let calls = subscription.calls();
        std::fs::remove_file(subscription.path("calls")).expect("removed");
        // But for the name of the scratch folder, and the access that is there the second time.
        let lines = calls
            .lines()
            .filter(|line| !line.contains("--yaml") && !line.contains("assignment create"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let first = once();
    let access = subscription.access();
    assert_eq!(first, once());
    assert_eq!(access, subscription.access());
}

#[test]
fn a_key_that_was_rotated_restarts_the_revision() {
    let (_subscription, calls) = deploys(&["--access-key"]);
    let (set, restart) = (calls.find("secret set"), calls.find("revision restart"));
    assert!(set.is_some() && restart > set, "{calls}");
    assert!(calls.contains("--revision shop--0000001"), "{calls}");
    let (_subscription, calls) = deploys(&[]);
    assert!(!calls.contains("revision restart"), "{calls}");
    let dry = script_of("deploy.sh")
        .args(["--image", "i", "--access-key", "--dry-run"])
        .output()
        .expect("bash");
    assert!(succeeds(&dry).contains("az containerapp revision restart"));
}

#[test]
fn what_cannot_be_done_is_said_before_anything_is() {
    for (arguments, says) in [
        (&["--nonsense"][..], "unknown option"),
        (&[], "say --image"),
        (&["--image", "i", "--port", "x"], "--port must be a number"),
        (
            &["--image", "i", "--readiness", "always"],
            "--readiness must be cache, replica or never",
        ),
        (
            &["--image", "i", "--managed-redis", "--custom-policy"],
            "--custom-policy",
        ),
    ] {
        let subscription = Subscription::new();
        let output = subscription.run("deploy.sh", arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output).contains(says), "{}", text(&output));
        assert_eq!(subscription.calls(), "");
    }
    let unset = script_of("deploy.sh")
        .env_remove("RG")
        .output()
        .expect("bash");
    assert!(!unset.status.success());
    assert!(text(&unset).contains("set RG to"), "{}", text(&unset));
}

#[test]
fn a_failing_az_ends_the_deployment() {
    let subscription = Subscription::new();
    // An az without the commands of step 2.
    let table = std::fs::read_to_string(subscription.path("commands.tsv")).expect("read");
    let kept = table
        .lines()
        .filter(|line| !line.contains("access-policy-assignment"));
    let kept = kept.collect::<Vec<_>>().join("\n");
    subscription.has("commands.tsv", &(kept + "\n"));
    let output = subscription.run("deploy.sh", &["--image", "i"]);
    assert!(!output.status.success());
    assert!(!subscription.calls().contains("--yaml"));
}
