//! The address that `spin:redis` takes: the one place where a secret is in a URL, since Spin's
//! interface leaves no other way.

use crate::connection::Login;
use cache_health_provider::identity::escape;
use cache_health_provider::{ExposeSecret, SecretString};

/// `rediss://user:password@host:port/database`, with user and password percent-encoded: access keys contain
/// `/`, `+` and `=`, and Spin's allow-list takes a raw `/` for the start of the path. Never with a
/// fragment: `#insecure` would switch verification off.
pub fn of(login: &Login, password: &SecretString) -> SecretString {
    let (user, password) = (escape(&login.user), escape(password.expose_secret()));
    // A literal IPv6 address stands in brackets (RFC 3986).
    let host = if login.host.contains(':') {
        format!("[{}]", login.host)
    } else {
        login.host.clone()
    };
    let database = match login.database {
        0 => String::new(),
        database => format!("/{database}"),
    };
    let port = login.port;
    SecretString::from(format!(
        "rediss://{user}:{password}@{host}:{port}{database}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(host: &str, user: &str, password: &str) -> String {
        let login = Login {
            host: host.to_owned(),
            port: 6380,
            database: 0,
            key: "health".to_owned(),
            user: user.to_owned(),
            generation: 0,
        };
        of(&login, &SecretString::from(password))
            .expose_secret()
            .to_owned()
    }

    #[test]
    fn keys_like_azures_are_percent_encoded() {
        assert_eq!(
            address("c.example", "default", "a/b+c="),
            "rediss://default:a%2Fb%2Bc%3D@c.example:6380"
        );
    }

    #[test]
    fn nothing_in_a_password_can_reach_host_or_fragment() {
        let text = address("c.example", "default", "x@evil:1/#insecure?");
        assert_eq!(text.matches('@').count(), 1);
        assert!(!text.contains('#') && !text.contains('?'), "{text}");
        assert!(text.ends_with("@c.example:6380"), "{text}");
    }

    #[test]
    fn an_ipv6_address_stands_in_brackets() {
        assert!(address("::1", "u", "p").ends_with("@[::1]:6380"));
    }
}
