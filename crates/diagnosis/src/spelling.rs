//! How the user of a host knows a setting.

/// How settings are spelled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Spelling {
    /// A variable of the environment: `REDIS_HOST`.
    #[default]
    Environment,
    /// A variable of Spin: `redis_host`.
    Spin,
}

/// What a setting's name begins with.
const PREFIXES: [&str; 4] = ["REDIS_", "IDENTITY_", "AZURE_", "CACHE_HEALTH_"];

impl Spelling {
    /// The spelling of this name in `cache-health:capabilities/settings`.
    pub fn of(name: &str) -> Self {
        match name {
            "spin" => Self::Spin,
            _ => Self::Environment,
        }
    }

    /// Its name there.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Environment => "environment",
            Self::Spin => "spin",
        }
    }

    /// A text with its settings spelled so. Names after a `$` are variables of the shell and stay.
    pub fn spell(self, text: &str) -> String {
        if self == Self::Environment {
            return text.to_owned();
        }
        let is_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(is_name) {
            let (before, from) = rest.split_at(at);
            let end = from.find(|c| !is_name(c)).unwrap_or(from.len());
            let (name, after) = from.split_at(end);
            out.push_str(before);
            let setting = PREFIXES.iter().any(|prefix| name.starts_with(prefix));
            if setting && !out.ends_with(['$', '{']) {
                out.push_str(&name.to_ascii_lowercase());
            } else {
                out.push_str(name);
            }
            rest = after;
        }
        out.push_str(rest);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spin_users_read_their_own_names_and_shell_variables_stay() {
        let text = "Set REDIS_HOST (TLS) to $REDIS_NAME.x, or AZURE_CLIENT_ID; GET works.";
        assert_eq!(
            Spelling::Spin.spell(text),
            "Set redis_host (TLS) to $REDIS_NAME.x, or azure_client_id; GET works."
        );
        assert_eq!(Spelling::Environment.spell(text), text);
    }
}
