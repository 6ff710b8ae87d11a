//! Faults of the identity endpoint. A token that is held is used to its end, so these are there
//! when the program starts.

use super::row::{Expect, Row};
use super::scene::Scene;
use crate::fixtures::HOUR;
use cache_health_local_azure::identity::{Behaviour, IdentityEndpoint, Platform};
use cache_health_local_azure::port;
use cache_health_local_azure::token::{self, Token};
use cache_health_report::{Kind, Step};

const GROUP: &str = "Identity";
/// An answer that nobody should read to its end, in bytes.
const HUGE: usize = 10_000_000;

pub fn rows() -> Vec<Row> {
    let unavailable = Kind::TokenUnavailable;
    let rejected = Kind::TokenRejected;
    let status = |fault, kind, code| behaving(fault, kind, move |_| Behaviour::status(code));
    let asks_to_wait = |seconds: &str| vec![("retry-after", seconds.to_owned())];
    vec![
        refused(),
        status("400", rejected, 400),
        status("401", rejected, 401),
        status("403", rejected, 403),
        status("404", rejected, 404),
        status("408", unavailable, 408),
        status("429", unavailable, 429),
        behaving("429 with Retry-After", unavailable, move |_| {
            Behaviour::Raw(429, String::new(), asks_to_wait("2"))
        }),
        status("500", unavailable, 500),
        behaving("no answer", unavailable, |_| Behaviour::Hang),
        behaving("connection closed", unavailable, |_| Behaviour::Close),
        behaving("body one byte at a time", unavailable, |s| {
            Behaviour::Slow(s.azure.token.clone())
        }),
        body("HTML", unavailable, |_| "<html>Hello</html>".into()),
        body("empty token", unavailable, |_| answer("", "0")),
        body("token without oid", rejected, |_| {
            answer(&token::jwt(r#"{"exp":99999999999}"#), r#""99999999999""#)
        }),
        body("token that is no JWT", rejected, |_| {
            answer("opaque", r#""99999999999""#)
        }),
        body("expired token", rejected, |s| {
            let token = Token::mint(&s.azure.object_id, -HOUR);
            answer(&token.text, &format!("\"{}\"", token.expires_at))
        }),
        body("expires_on in the past", rejected, |s| {
            answer(&s.azure.token.text, r#""1000""#)
        }),
        passing("expires_on as a number", |s| {
            answer(&s.azure.token.text, &s.azure.token.expires_at.to_string())
        }),
        passing("expires_on as a date", |s| {
            answer(&s.azure.token.text, r#""11/25/2030 15:35:47 +00:00""#)
        }),
        body("answer of 10 MB", unavailable, |s| {
            answer(&s.azure.token.text, "0") + &" ".repeat(HUGE)
        }),
        behaving("redirect", unavailable, |s| {
            let to = vec![("location", s.azure.identity.url())];
            Behaviour::Raw(302, String::new(), to)
        }),
        row("wrong content type", Expect::Pass).begin(|s| {
            let text = vec![("content-type", "text/plain".to_owned())];
            let body = answer(&s.azure.token.text, &s.azure.token.expires_at.to_string());
            s.azure.identity.behave(Behaviour::Raw(200, body, text));
        }),
        Row::new(
            GROUP,
            "token of an unknown object id",
            Expect::Fail(Kind::AuthRejected, Some(Step::Auth)),
        )
        .starts_with_it()
        .begin(|s| {
            // Redis learns of it when the fault ends, as an assignment takes its time.
            let stranger = Token::mint(&token::object_id(), HOUR);
            s.azure.identity.behave(Behaviour::Token(stranger.clone()));
            s.azure.object_id = stranger.object_id.clone();
            s.azure.token = stranger;
        })
        .end(|s| {
            let password = format!(">{}", s.azure.token.text);
            let user = s.azure.object_id.clone();
            s.redis(&[
                "ACL", "SETUSER", &user, "on", &password, "~*", "&*", "+@all",
            ]);
        }),
    ]
}

fn row(fault: &'static str, expect: Expect) -> Row {
    Row::new(GROUP, fault, expect).starts_with_it().end(|s| {
        s.azure
            .identity
            .behave(Behaviour::Token(s.azure.token.clone()))
    })
}

fn behaving(
    fault: &'static str,
    kind: Kind,
    behaviour: impl Fn(&Scene) -> Behaviour + Send + Sync + 'static,
) -> Row {
    row(fault, Expect::Fail(kind, Some(Step::Token)))
        .begin(move |s| s.azure.identity.behave(behaviour(s)))
}

fn body(
    fault: &'static str,
    kind: Kind,
    text: impl Fn(&Scene) -> String + Send + Sync + 'static,
) -> Row {
    behaving(fault, kind, move |s| Behaviour::body(text(s)))
}

fn passing(fault: &'static str, text: impl Fn(&Scene) -> String + Send + Sync + 'static) -> Row {
    row(fault, Expect::Pass).begin(move |s| s.azure.identity.behave(Behaviour::body(text(s))))
}

/// Nothing listens until the fault ends.
fn refused() -> Row {
    Row::new(
        GROUP,
        "refused",
        Expect::Fail(Kind::TokenUnavailable, Some(Step::Token)),
    )
    .starts_with_it()
    .begin(|s| {
        let free = port::any_free().expect("a port");
        let url = format!("http://127.0.0.1:{free}/msi/token");
        s.environment.insert("IDENTITY_ENDPOINT", url);
    })
    .end(|s| {
        let url = &s.environment["IDENTITY_ENDPOINT"];
        let port = url
            .split([':', '/'])
            .nth(4)
            .and_then(|port| port.parse().ok());
        let endpoint = IdentityEndpoint::start_as(
            port.expect("a port"),
            Platform::AppService {
                header: s.azure.identity.header.clone(),
            },
            Behaviour::Token(s.azure.token.clone()),
        );
        s.identity = Some(endpoint.expect("an endpoint"));
    })
}

fn answer(token: &str, expires_on: &str) -> String {
    format!(
        r#"{{"access_token":"{token}","expires_on":{expires_on},"resource":"https://redis.azure.com","token_type":"Bearer"}}"#
    )
}
