//! A workload identity's request for a token: the client credentials grant with a federated
//! assertion (RFC 7523, <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>).
//! The answer is judged like that of the managed identity endpoint, by [`crate::identity::judge`].

use crate::config::WorkloadIdentity;
use crate::identity::{RESOURCE, escape};
use secrecy::{ExposeSecret as _, SecretString};

/// The content type of the request.
pub const CONTENT_TYPE: &str = "application/x-www-form-urlencoded";
/// The longest assertion that is sent, in bytes. Kubernetes' are about one kilobyte.
pub const MAX_ASSERTION: usize = 16 * 1024;
/// What kind of assertion it is (RFC 7523, section 2.2).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The path to post to, below the authority.
pub fn path(identity: &WorkloadIdentity) -> String {
    let base = identity.authority.path().trim_end_matches('/');
    format!("{base}/{}/oauth2/v2.0/token", identity.tenant_id)
}

/// The body to post. It holds the assertion, which is a credential itself.
pub fn form(identity: &WorkloadIdentity, assertion: &SecretString) -> SecretString {
    let scope = format!("{RESOURCE}/.default");
    let pairs = [
        ("grant_type", "client_credentials"),
        ("client_id", &identity.client_id),
        ("scope", &scope),
        ("client_assertion_type", ASSERTION_TYPE),
        ("client_assertion", assertion.expose_secret()),
    ];
    let pairs = pairs.map(|(name, value)| format!("{name}={}", escape(value)));
    SecretString::from(pairs.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(authority: &'static str) -> WorkloadIdentity {
        WorkloadIdentity {
            authority: http::Uri::from_static(authority),
            ca_file: None,
            tenant_id: "contoso.example".into(),
            client_id: "2cd0f3b5".into(),
            token_file: "/token".into(),
            has_proxy: false,
        }
    }

    #[test]
    fn the_path_names_the_tenant_below_the_authority() {
        let path_of = |authority| path(&identity(authority));
        assert_eq!(
            path_of("https://login.test"),
            "/contoso.example/oauth2/v2.0/token"
        );
        assert_eq!(
            path_of("https://login.test/sts/"),
            "/sts/contoso.example/oauth2/v2.0/token"
        );
    }

    #[test]
    fn the_form_asks_for_redis_with_the_assertion_and_does_not_show_it() {
        let form = form(&identity("https://login.test"), &"a.b&c".to_owned().into());
        assert_eq!(
            form.expose_secret(),
            "grant_type=client_credentials&client_id=2cd0f3b5\
             &scope=https%3A%2F%2Fredis.azure.com%2F.default\
             &client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer\
             &client_assertion=a.b%26c"
        );
        assert!(!format!("{form:?}").contains("a.b"));
    }
}
