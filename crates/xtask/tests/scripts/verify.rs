//! `deploy/azure/verify.sh`.

use super::subscription::{LOG, Subscription};
use crate::{succeeds, text};

#[test]
fn verification_passes_when_all_three_points_do() {
    let subscription = Subscription::new();
    subscription.has_access("the-apps-own", "Data Contributor");
    let text = succeeds(&subscription.run("verify.sh", &[]));
    assert_eq!(text.matches("PASS").count(), 7, "{text}");
    assert!(!text.contains("FAIL"), "{text}");
}

#[test]
fn each_point_of_the_verification_can_fail_and_has_a_cure() {
    let plaintext = LOG.replace("TLSv1.3", "none");
    let failed_since = format!(
        "{LOG}{}\n",
        r#"{"timestamp":"t","level":"INFO","message":"verdict","status":"fail","failure":"dns","target":"x"}"#
    );
    for (question, answer, says) in [
        ("assignments", "", "is assigned: nothing"),
        ("log", "nothing here\n", "SET succeeded"),
        ("log", &LOG.replace("GET", "SET"), "GET succeeded"),
        ("log", &plaintext, "the probe's own sessions"),
        ("nonssl", "true\n", "the port without TLS is off"),
        ("tls", "1.0\n", "the least TLS version is 1.2"),
        ("log", &failed_since, "the newest verdict is not fail"),
    ] {
        let subscription = Subscription::new();
        subscription.has_access("the-apps-own", "Data Contributor");
        subscription.has(question, answer);
        let output = subscription.run("verify.sh", &[]);
        let text = text(&output);
        assert_eq!(output.status.code(), Some(1), "{question}: {text}");
        let lines: Vec<&str> = text.lines().collect();
        let failed = lines
            .iter()
            .position(|l| l.starts_with("FAIL") && l.contains(says));
        let failed = failed.unwrap_or_else(|| panic!("no FAIL for {says} in\n{text}"));
        assert!(lines[failed + 1].trim().len() > 20, "no cure in\n{text}");
    }
}
