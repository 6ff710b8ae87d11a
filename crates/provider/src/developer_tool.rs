//! Tokens from the Azure CLI and the Azure Developer CLI, of whoever is logged in there: which program is run, and what it
//! prints.

use crate::identity::{NoToken, Token, judge, unavailable};
use serde::Deserialize;

/// A developer tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeveloperTool {
    /// `az`.
    AzureCli,
    /// `azd`.
    AzureDeveloperCli,
}

#[derive(Deserialize)]
struct Printed {
    #[serde(alias = "accessToken")]
    token: Option<crate::SecretString>,
}

impl DeveloperTool {
    /// Each of them, in the order in which they are tried.
    pub const ALL: [Self; 2] = [Self::AzureCli, Self::AzureDeveloperCli];

    /// The program.
    pub fn program(self) -> &'static str {
        match self {
            Self::AzureCli => "az",
            Self::AzureDeveloperCli => "azd",
        }
    }

    /// Its arguments, for a token for this resource.
    pub fn arguments(self, resource: &str) -> Vec<String> {
        let words: &[&str] = match self {
            Self::AzureCli => &[
                "account",
                "get-access-token",
                "--output",
                "json",
                "--resource",
            ],
            Self::AzureDeveloperCli => &[
                "auth",
                "token",
                "--output",
                "json",
                "--no-prompt",
                "--scope",
            ],
        };
        let wanted = match self {
            Self::AzureCli => resource.to_owned(),
            Self::AzureDeveloperCli => format!("{resource}/.default"),
        };
        let words = words.iter().map(|word| (*word).to_owned());
        words.chain([wanted]).collect()
    }

    /// What it printed, judged. Its dates are local times, or not: the token itself says when it ends. `now` is in seconds
    /// since 1970-01-01T00:00:00Z.
    pub fn judge(self, printed: &[u8], now: i64) -> Result<Token, NoToken> {
        use secrecy::ExposeSecret as _;
        let not_a_token = || NoToken::from(unavailable("not-a-token"));
        let printed: Printed = serde_json::from_slice(printed).map_err(|_| not_a_token())?;
        let token = printed.token.ok_or_else(not_a_token)?;
        // In the form of everybody else's answer, so that there is one judge.
        let answer = serde_json::json!({ "access_token": token.expose_secret() });
        let answer = secrecy::zeroize::Zeroizing::new(answer.to_string());
        judge(200, answer.as_bytes(), now).map_err(NoToken::from)
    }
}

/// Why a tool that ran gave no token. What it prints may hold anything, so only Entra's own code is taken from it.
pub fn failed(printed: &[u8]) -> NoToken {
    let failure = unavailable("not-logged-in");
    let message = String::from_utf8_lossy(printed);
    let answer = serde_json::json!({ "message": message }).to_string();
    crate::identity_error::with_reason(failure, answer.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    const NOW: i64 = 1_795_597_200;

    fn token(expires_at: i64) -> String {
        let claims = format!(r#"{{"oid":"o","exp":{expires_at}}}"#);
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn both_tools_forms_are_read() {
        let token = token(NOW + 60);
        let az = format!(
            r#"{{"accessToken":"{token}","expiresOn":"2026-11-25 10:00:00.000000","expires_on":1,"tokenType":"Bearer"}}"#
        );
        let azd = format!(r#"{{"token":"{token}","expiresOn":"2026-11-25T10:00:00Z"}}"#);
        for (tool, printed) in [
            (DeveloperTool::AzureCli, az),
            (DeveloperTool::AzureDeveloperCli, azd),
        ] {
            let token = tool.judge(printed.as_bytes(), NOW).expect("a token");
            assert_eq!(
                (token.object_id.as_str(), token.expires_at),
                ("o", NOW + 60)
            );
        }
        for rubbish in ["", "{}", "Please run 'az login'", r#"{"accessToken":""}"#] {
            assert!(
                DeveloperTool::AzureCli
                    .judge(rubbish.as_bytes(), NOW)
                    .is_err()
            );
        }
    }

    #[test]
    fn only_a_code_is_taken_from_what_a_tool_says() {
        let said = b"ERROR: AADSTS70043: The refresh token has expired for someone@example.org";
        let evidence = failed(said).failure.evidence;
        assert_eq!(evidence.get("identity.code"), Some("AADSTS70043"));
        assert!(!format!("{evidence:?}").contains("someone"));
    }
}
