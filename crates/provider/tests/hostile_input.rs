//! Whatever comes from outside, in whatever form: nothing here may panic, and nothing may repeat what
//! it was given.

use cache_health_provider::ExposeSecret as _;
use cache_health_provider::config::{Config, NAMES};
use cache_health_provider::connection_string::ConnectionString;
use cache_health_provider::developer_tool::{self, DeveloperTool};
use cache_health_provider::identity::{escape, judge};
use cache_health_provider::jwt::Claims;
use cache_health_provider::managed_identity::challenge_file;
use cache_health_provider::reply::ErrorReply;
use cache_health_provider::schedule;
use cache_health_report::Kind;
use proptest::collection::{hash_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

const NOW: i64 = 1_795_597_200;

/// JSON that looks like an answer of the identity endpoint, or like none.
fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        ".{0,40}".prop_map(Into::into),
        "e30\\.[A-Za-z0-9_-]{0,60}\\.x".prop_map(Into::into),
    ];
    let key = prop_oneof![
        select(vec![
            "access_token",
            "expires_on",
            "expires_in",
            "token_type",
            "error"
        ])
        .prop_map(str::to_owned),
        ".{0,8}",
    ];
    leaf.prop_recursive(3, 24, 6, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Into::into),
            hash_map(key.clone(), inner, 0..6)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

/// A token with these claims.
fn token(claims: &serde_json::Value) -> String {
    use base64::Engine as _;
    let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims.to_string());
    format!("e30.{payload}.x")
}

proptest! {
    #[test]
    fn any_bytes_are_an_answer_that_is_judged(status: u16, body in vec(any::<u8>(), 0..512), now: i64) {
        if let Ok(token) = judge(status, &body, now) {
            prop_assert_eq!(status, 200);
            prop_assert!(token.expires_at > now);
            prop_assert!(!token.object_id.is_empty());
        }
    }

    #[test]
    fn any_json_is_an_answer_that_is_judged(body in json(), now: i64) {
        let result = judge(200, body.to_string().as_bytes(), now);
        prop_assert!(result.is_err() || result.is_ok_and(|token| token.expires_at > now));
    }

    #[test]
    fn any_claims_make_a_token_or_an_error(claims in json(), expires_on in json()) {
        let body = serde_json::json!({"access_token": token(&claims), "expires_on": expires_on});
        if let Ok(had) = judge(200, body.to_string().as_bytes(), NOW) {
            let oid = claims.get("oid").and_then(|oid| oid.as_str());
            prop_assert_eq!(oid, Some(had.object_id.as_str()));
        }
    }

    #[test]
    fn a_whole_token_is_taken_and_an_expired_one_never(life in -4_000_000_i64..4_000_000) {
        let claims = serde_json::json!({"oid": "8a1f", "exp": NOW + life});
        let text = token(&claims);
        let body = serde_json::json!({"access_token": text, "expires_on": (NOW + life).to_string()});
        match judge(200, body.to_string().as_bytes(), NOW) {
            Ok(token) => {
                prop_assert!(life > 0);
                prop_assert_eq!(token.secret.expose_secret(), text);
            }
            Err(error) => {
                prop_assert!(life <= 0);
                prop_assert_eq!(error.kind, Kind::TokenRejected);
                prop_assert_eq!(error.evidence.number("identity.expiredSeconds"), Some(-life));
            }
        }
    }

    #[test]
    fn any_text_is_a_token_or_none(text in ".{0,300}") {
        let _ = Claims::of(&text);
    }

    #[test]
    fn any_line_is_an_error_reply_and_its_text_goes_no_further(line in ".{0,200}") {
        let said = format!("{:?}", ErrorReply::of(&format!("ERR s3cret {line} s3cret")));
        prop_assert!(!said.contains("s3cret"), "{}", said);
        // Whatever it starts with.
        let said = format!("{:?}", ErrorReply::of(&format!("{line} s3cret")));
        prop_assert!(!said.contains("s3cret"), "{}", said);
    }

    #[test]
    fn any_variables_are_a_configuration_or_an_error_that_names_one(
        values in hash_map(select(NAMES.to_vec()), "[ -~]{0,60}", 0..NAMES.len()),
    ) {
        let variables: HashMap<String, String> = values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        if let Err(error) = Config::from_variables(&variables) {
            prop_assert!(NAMES.contains(&error.variable.as_str()), "{}", error.variable);
        }
    }

    #[test]
    fn an_error_of_the_configuration_never_repeats_a_value(
        name in select(NAMES.to_vec()),
        value in "[!-~]{12,60}",
    ) {
        let mut variables = HashMap::from([
            ("REDIS_HOST".to_owned(), "c.redis.cache.windows.net".to_owned()),
            ("REDIS_ACCESS_KEY".to_owned(), "an access key of its own".to_owned()),
        ]);
        variables.insert(name.to_owned(), value.clone());
        if let Err(error) = Config::from_variables(&variables) {
            prop_assert!(!error.to_string().contains(&value), "{}", error);
        }
    }

    #[test]
    fn what_is_escaped_holds_no_separator(text in ".{0,80}") {
        let escaped = escape(&text);
        prop_assert!(escaped.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%".contains(&b)));
    }

    #[test]
    fn a_renewal_is_due_in_the_life_of_a_token(obtained: i64, life in 0_i64..10_000_000, chance: f64) {
        let expires = obtained.saturating_add(life);
        let due = schedule::renewal_due(obtained, expires, chance);
        prop_assert!(due >= obtained && due <= expires, "{} {} {}", obtained, due, expires);
    }

    #[test]
    fn a_pause_is_never_longer_or_shorter_than_it_may_be(tries: u32, asked: Option<u64>, chance: f64) {
        let pause = schedule::retry_pause(tries, asked.map(Duration::from_secs), chance);
        prop_assert!(pause >= Duration::from_millis(200), "{:?}", pause);
        let most = schedule::MOST_ASKED.mul_f64(1.1) + Duration::from_nanos(1);
        prop_assert!(pause <= most, "{:?}", pause);
    }

    #[test]
    fn any_text_is_a_connection_string_or_an_error_that_repeats_nothing_of_it(
        parts in vec(prop_oneof![
            "[ -~]{0,30}",
            "(password|user|ssl|sslHost|defaultDatabase|tunnel|s3cret)=[ -~]{0,20}",
            "s3cret[a-z:.@/]{0,20}",
            "rediss?://[ -~]{0,40}",
        ], 0..6),
    ) {
        let text = parts.join(",");
        match ConnectionString::of(&text) {
            Ok(read) => {
                prop_assert!(!read.host.is_empty());
                prop_assert!(!read.host.contains(['/', ',', ' ', '@']), "{}", read.host);
                prop_assert_ne!(read.port, Some(0));
            }
            Err(error) => prop_assert!(!error.to_string().contains("s3cret"), "{}", error),
        }
    }

    #[test]
    fn any_challenge_names_a_file_of_the_agents_own_or_none(
        challenge in prop_oneof!["[ -~]{0,60}", "Basic realm=[/a-z.]{0,60}", "Basic realm=/agent/[/a-z.]{0,40}key"],
    ) {
        let folder = Path::new("/agent");
        if let Some(file) = challenge_file(&challenge, folder) {
            prop_assert_eq!(file.parent(), Some(folder));
            let climbs = file.components().any(|part| part == std::path::Component::ParentDir);
            prop_assert!(!climbs, "{:?}", file);
        }
    }

    #[test]
    fn any_output_of_a_tool_is_a_token_or_none(printed in vec(any::<u8>(), 0..200), json in json()) {
        for tool in [DeveloperTool::AzureCli, DeveloperTool::AzureDeveloperCli] {
            let _ = tool.judge(&printed, NOW);
            let _ = tool.judge(json.to_string().as_bytes(), NOW);
        }
        let said = [&printed[..], b" s3cret"].concat();
        let failed = format!("{:?}", developer_tool::failed(&said));
        prop_assert!(!failed.contains("s3cret"), "{}", failed);
    }
}
