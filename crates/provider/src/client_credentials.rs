//! An application's request for a token: the client credentials grant, with a secret or with an assertion that somebody
//! signed (RFC 6749 section 4.4, RFC 7523, <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>).
//! The answer is judged by [`crate::identity::judge`].

use crate::config::Application;
use crate::identity::escape;
use secrecy::{ExposeSecret as _, SecretString};

/// The content type of the request.
pub const CONTENT_TYPE: &str = "application/x-www-form-urlencoded";
/// The longest assertion that is sent, in bytes. Kubernetes' are about one kilobyte.
pub const MAX_ASSERTION: usize = 16 * 1024;
/// What kind of assertion it is (RFC 7523, section 2.2).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What goes with the request. Both are credentials themselves.
pub enum Proved {
    /// The client secret.
    Secret(SecretString),
    /// An assertion: the cluster's token, or one that was signed with the certificate's key.
    Assertion(SecretString),
}

/// The path to post to, below the authority.
pub fn path(application: &Application) -> String {
    let base = application.authority.path().trim_end_matches('/');
    format!("{base}/{}/oauth2/v2.0/token", application.tenant_id)
}

/// The address of the token endpoint, which is the audience of an assertion of one's own.
pub fn audience(application: &Application) -> String {
    let authority = application.authority.authority();
    let authority = authority.map_or("", |authority| authority.as_str());
    format!("https://{authority}{}", path(application))
}

/// The body to post, for a token for this resource.
pub fn form(application: &Application, resource: &str, proved: &Proved) -> SecretString {
    let scope = format!("{resource}/.default");
    let mut pairs = vec![
        ("grant_type", "client_credentials"),
        ("client_id", &application.client_id),
        ("scope", &scope),
    ];
    match proved {
        Proved::Secret(secret) => pairs.push(("client_secret", secret.expose_secret())),
        Proved::Assertion(assertion) => {
            pairs.push(("client_assertion_type", ASSERTION_TYPE));
            pairs.push(("client_assertion", assertion.expose_secret()));
        }
    }
    let pairs = pairs.into_iter();
    let pairs: Vec<_> = pairs
        .map(|(name, value)| format!("{name}={}", escape(value)))
        .collect();
    SecretString::from(pairs.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RESOURCE;

    fn application(authority: &'static str) -> Application {
        Application {
            authority: http::Uri::from_static(authority),
            ca_file: None,
            tls_name: None,
            tenant_id: "contoso.example".into(),
            client_id: "2cd0f3b5".into(),
            proxy: None,
        }
    }

    #[test]
    fn the_path_names_the_tenant_below_the_authority() {
        let path_of = |authority| path(&application(authority));
        assert_eq!(
            path_of("https://login.test"),
            "/contoso.example/oauth2/v2.0/token"
        );
        assert_eq!(
            path_of("https://login.test/sts/"),
            "/sts/contoso.example/oauth2/v2.0/token"
        );
        assert_eq!(
            audience(&application("https://login.test:8443/")),
            "https://login.test:8443/contoso.example/oauth2/v2.0/token"
        );
    }

    #[test]
    fn the_form_asks_for_redis_with_what_proves_the_application_and_does_not_show_it() {
        let assertion = Proved::Assertion("a.b&c".into());
        let form_of = |proved: &Proved| form(&application("https://login.test"), RESOURCE, proved);
        let made = form_of(&assertion);
        assert_eq!(
            made.expose_secret(),
            "grant_type=client_credentials&client_id=2cd0f3b5\
             &scope=https%3A%2F%2Fredis.azure.com%2F.default\
             &client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer\
             &client_assertion=a.b%26c"
        );
        assert!(!format!("{made:?}").contains("a.b"));
        let secret = form_of(&Proved::Secret("s~+/=".into()));
        assert!(
            secret
                .expose_secret()
                .ends_with("&client_secret=s~%2B%2F%3D")
        );
    }
}
