//! What an identity endpoint says when it refuses: its code, and what Azure's support asks for. Never its free text, which
//! can repeat what was sent.
//!
//! Entra answers `{"error":"invalid_client","error_description":"AADSTS700024: …","error_codes":[700024],…}` (RFC 6749, 5.2,
//! and <https://learn.microsoft.com/entra/identity-platform/reference-error-codes>), endpoints of the platform
//! `{"statusCode":400,"message":"…","correlationId":"…"}` or `{"error":{"code":"…","message":"…"}}`.

use cache_health_report::Failure;
use serde_json::Value;

/// The longest word that is taken for a code or an id.
const MAX_WORD: usize = 64;

/// The failure with what its answer says.
pub fn with_reason(mut failure: Failure, body: &[u8]) -> Failure {
    let Ok(answer) = serde_json::from_slice::<Value>(body) else {
        return failure;
    };
    let texts = ["error_description", "message", "Message"].map(|name| text(&answer, name));
    let nested = answer.get("error").and_then(|error| text(error, "message"));
    let prose: Vec<&str> = texts.into_iter().chain([nested]).flatten().collect();
    if let Some(code) = code(&answer, &prose) {
        failure.evidence.set("identity.code", code);
    }
    for (evidence, members, label) in [
        (
            "identity.correlationId",
            &["correlation_id", "correlationId"][..],
            "Correlation ID: ",
        ),
        ("identity.traceId", &["trace_id", "traceId"], "Trace ID: "),
        ("identity.time", &["timestamp"], "Timestamp: "),
    ] {
        let member = members.iter().find_map(|name| text(&answer, name));
        let said = || {
            prose
                .iter()
                .find_map(|prose| after(prose, label, evidence == "identity.time"))
        };
        if let Some(value) = member.filter(|value| is_id(value)).or_else(said) {
            failure.evidence.set(evidence, value);
        }
    }
    failure
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name)?.as_str()
}

/// Entra's number where there is one, else the error of OAuth 2.0 or of the platform.
fn code(answer: &Value, prose: &[&str]) -> Option<String> {
    let listed = answer
        .get("error_codes")
        .and_then(|codes| codes.get(0)?.as_u64());
    let said = || {
        prose.iter().find_map(|text| {
            let (_, rest) = text.split_once("AADSTS")?;
            let digits = rest
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(rest.len());
            rest[..digits.min(10)].parse().ok()
        })
    };
    if let Some(number) = listed.or_else(said) {
        return Some(format!("AADSTS{number}"));
    }
    let error = answer.get("error")?;
    let word = error.as_str().or_else(|| text(error, "code"))?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let is_code = !word.is_empty() && word.len() <= MAX_WORD && word.chars().all(plain);
    is_code.then(|| word.to_owned())
}

fn after<'a>(prose: &'a str, label: &str, is_time: bool) -> Option<&'a str> {
    let (_, rest) = prose.split_once(label)?;
    // A time has a space in it: 2026-11-25 10:00:00Z.
    let end = |c: char| c.is_whitespace() && !(is_time && c == ' ');
    let value = rest[..rest.find(end).unwrap_or(rest.len())].trim();
    is_id(value).then_some(value)
}

/// GUIDs and times, and nothing that could be prose.
fn is_id(value: &str) -> bool {
    let plain =
        |c: char| c.is_ascii_hexdigit() || matches!(c, '-' | ':' | ' ' | '.' | 'T' | 'Z' | '+');
    !value.is_empty() && value.len() <= MAX_WORD && value.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cache_health_report::Kind;

    fn seen(body: &str) -> Vec<(String, String)> {
        let failure = Failure::of(Kind::TokenRejected);
        with_reason(failure, body.as_bytes()).evidence.into_list()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        pairs.iter().map(own).collect()
    }

    #[test]
    fn entras_number_and_what_its_support_asks_for_are_read() {
        let body = r#"{"error":"invalid_client","error_description":"AADSTS700024: Client assertion is not within its valid time range. Trace ID: 0f1e2d3c-0000-4000-8000-000000000000 Correlation ID: 1f1e2d3c-0000-4000-8000-000000000000 Timestamp: 2026-11-25 10:00:00Z","error_codes":[700024]}"#;
        assert_eq!(
            seen(body),
            pairs(&[
                ("identity.code", "AADSTS700024"),
                (
                    "identity.correlationId",
                    "1f1e2d3c-0000-4000-8000-000000000000"
                ),
                ("identity.traceId", "0f1e2d3c-0000-4000-8000-000000000000"),
                ("identity.time", "2026-11-25 10:00:00Z"),
            ])
        );
    }

    #[test]
    fn a_number_in_the_text_alone_is_read_as_well() {
        let body = r#"{"statusCode":400,"message":"AADSTS50020: refused","correlationId":"abc-1"}"#;
        assert_eq!(
            seen(body),
            pairs(&[
                ("identity.code", "AADSTS50020"),
                ("identity.correlationId", "abc-1")
            ])
        );
    }

    #[test]
    fn an_error_without_a_number_is_a_word_or_nothing() {
        assert_eq!(
            seen(r#"{"error":"invalid_request"}"#),
            pairs(&[("identity.code", "invalid_request")])
        );
        assert_eq!(
            seen(r#"{"error":{"code":"IdentityNotFound","message":"secret text"}}"#),
            pairs(&[("identity.code", "IdentityNotFound")])
        );
    }

    #[test]
    fn prose_and_rubbish_give_nothing() {
        for body in [
            "<html>",
            "[]",
            r#"{"error":"the secret is hunter2"}"#,
            r#"{"message":"your token eyJhbGciOi was refused","correlationId":"the secret is hunter2"}"#,
        ] {
            assert_eq!(seen(body), [], "{body}");
        }
    }
}
