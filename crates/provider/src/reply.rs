//! Redis' error replies: the one place where their text is read.
//!
//! An error reply starts with a code, and the rest is prose that can repeat what was sent: the
//! reply to an unknown command quotes its arguments, so for `AUTH` it can hold the token. Only
//! what this module extracts may go any further.

/// What an error reply says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErrorReply {
    /// `WRONGPASS`, also inside `ERR …`, as Azure has been seen to write it.
    AuthRejected,
    /// `NOAUTH`.
    AuthRequired,
    /// `NOPERM`.
    PermissionDenied,
    /// `LOADING`.
    Loading,
    /// `READONLY`.
    ReadOnly,
    /// `OOM`.
    OutOfMemory,
    /// `MOVED <slot> <endpoint>`.
    Moved {
        /// The hash slot, 0 to 16383.
        slot: u16,
        /// `address:port`.
        endpoint: String,
    },
    /// `ASK <slot> <endpoint>`: the slot is being moved.
    Ask {
        /// The hash slot, 0 to 16383.
        slot: u16,
        /// `address:port`.
        endpoint: String,
    },
    /// Any other code.
    Other {
        /// The first word, or `ERR` when that is not a code.
        code: String,
        /// What a well-known text says, where the code says many things.
        meaning: Option<&'static str>,
    },
}

/// The longest code that is passed on; Redis' own are at most a dozen letters.
const MAX_CODE: usize = 24;
/// The longest endpoint that is passed on: an IPv6 address or a host name with its port.
const MAX_ENDPOINT: usize = 260;

impl ErrorReply {
    fn other(code: &str, line: &str) -> Self {
        Self::Other {
            code: code_or_err(code),
            meaning: meaning(line),
        }
    }

    /// Reads an error reply, without the leading `-`.
    pub fn of(line: &str) -> Self {
        // WRONGPASS first, and anywhere: Azure has answered `ERR WRONGPASS invalid …`, and old
        // servers `ERR invalid password`.
        if line.contains("WRONGPASS") || line.starts_with("ERR invalid password") {
            return Self::AuthRejected;
        }
        let mut words = line.split(' ');
        let code = words.next().unwrap_or_default();
        match code {
            "NOAUTH" => Self::AuthRequired,
            "NOPERM" => Self::PermissionDenied,
            "LOADING" => Self::Loading,
            "READONLY" => Self::ReadOnly,
            "OOM" => Self::OutOfMemory,
            "MOVED" | "ASK" => match place(words.next(), words.next()) {
                Some((slot, endpoint)) if code == "ASK" => Self::Ask { slot, endpoint },
                Some((slot, endpoint)) => Self::Moved { slot, endpoint },
                None => Self::other(code, line),
            },
            _ => Self::other(code, line),
        }
    }
}

/// Well-known texts of Redis (`networking.c`, `server.c`, `acl.c`, `config.c`, `sentinel.c`) and of what stands in between
/// (Envoy, twemproxy, HAProxy), by words that no argument of ours can bring in. In lower case; the first that fits counts.
const MEANINGS: [(&str, &str); 19] = [
    ("max number of clients reached", "max-clients"),
    (
        "max number of clients + cluster connections reached",
        "max-clients",
    ),
    (
        "without any password configured for the default user",
        "no-password-set",
    ),
    (
        "client sent auth, but no password is set",
        "no-password-set",
    ),
    ("wrong number of arguments for 'auth' command", "old-auth"),
    ("unknown command", "unknown-command"),
    ("unknown subcommand", "unknown-command"),
    ("unsupported command", "unknown-command"),
    ("command not supported", "unknown-command"),
    ("db index is out of range", "database-index"),
    ("invalid db index", "database-index"),
    ("select is not allowed in cluster mode", "database-index"),
    ("syntax error", "syntax"),
    ("no upstream host", "proxy-upstream"),
    ("upstream failure", "proxy-upstream"),
    ("upstream protocol error", "proxy-upstream"),
    ("connection refused", "proxy-upstream"),
    ("running in protected mode", "protected-mode"),
    ("sentinel", "sentinel"),
];

fn meaning(line: &str) -> Option<&'static str> {
    let lower = line.to_ascii_lowercase();
    let known = MEANINGS.iter().find(|(words, _)| lower.contains(words));
    known.map(|(_, meaning)| *meaning)
}

fn place(slot: Option<&str>, endpoint: Option<&str>) -> Option<(u16, String)> {
    let slot = slot?.parse().ok().filter(|slot| *slot < 16384)?;
    let endpoint = endpoint?.trim_end();
    let plain = |c: char| c.is_ascii_alphanumeric() || ".:-_[]%".contains(c);
    let usable = !endpoint.is_empty()
        && endpoint.len() <= MAX_ENDPOINT
        && endpoint.contains(':')
        && endpoint.chars().all(plain);
    usable.then(|| (slot, endpoint.to_owned()))
}

/// A code is upper case letters. What is not, is prose, and may be anything.
fn code_or_err(word: &str) -> String {
    let is_code = !word.is_empty()
        && word.len() <= MAX_CODE
        && word.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    if is_code {
        word.to_owned()
    } else {
        "ERR".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn other(code: &str) -> ErrorReply {
        ErrorReply::Other {
            code: code.into(),
            meaning: None,
        }
    }

    #[test]
    fn wrongpass_is_seen_in_every_spelling() {
        for line in [
            "WRONGPASS invalid username-password pair or user is disabled.",
            "ERR WRONGPASS invalid username-password pair",
            "ERR invalid password",
        ] {
            assert_eq!(ErrorReply::of(line), ErrorReply::AuthRejected, "{line}");
        }
    }

    #[test]
    fn each_code_has_its_meaning() {
        let cases = [
            ("NOAUTH Authentication required.", ErrorReply::AuthRequired),
            (
                "NOPERM this user has no permissions",
                ErrorReply::PermissionDenied,
            ),
            (
                "LOADING Redis is loading the dataset in memory",
                ErrorReply::Loading,
            ),
            (
                "READONLY You can't write against a read only replica.",
                ErrorReply::ReadOnly,
            ),
            (
                "OOM command not allowed when used memory > 'maxmemory'.",
                ErrorReply::OutOfMemory,
            ),
            (
                "MISCONF Redis is configured to save RDB snapshots",
                other("MISCONF"),
            ),
            ("CLUSTERDOWN Hash slot not served", other("CLUSTERDOWN")),
            ("MASTERDOWN Link with MASTER is down", other("MASTERDOWN")),
            ("ERR something new", other("ERR")),
        ];
        for (line, reply) in cases {
            assert_eq!(ErrorReply::of(line), reply, "{line}");
        }
    }

    #[test]
    fn moved_names_slot_and_endpoint() {
        assert_eq!(
            ErrorReply::of("MOVED 10168 10.0.0.7:8501"),
            ErrorReply::Moved {
                slot: 10168,
                endpoint: "10.0.0.7:8501".into()
            }
        );
        for line in [
            "MOVED",
            "MOVED 99999 a:1",
            "MOVED 1 noport",
            "MOVED 1 a:1\u{1b}[31m",
        ] {
            assert_eq!(ErrorReply::of(line), other("MOVED"), "{line}");
        }
    }

    #[test]
    fn prose_that_may_repeat_a_secret_is_never_passed_on() {
        let line = "ERR unknown command 'AUTH', with args beginning with: 'oid' 's3cret'";
        assert!(!format!("{:?}", ErrorReply::of(line)).contains("s3cret"));
        for line in [
            "s3cret",
            "",
            " ",
            "Weird reply",
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        ] {
            assert_eq!(ErrorReply::of(line), other("ERR"), "{line}");
        }
    }

    #[test]
    fn ask_is_read_like_moved() {
        assert_eq!(
            ErrorReply::of("ASK 142 10.0.0.5:8501"),
            ErrorReply::Ask {
                slot: 142,
                endpoint: "10.0.0.5:8501".into()
            }
        );
        assert_eq!(ErrorReply::of("ASK 142"), other("ASK"));
    }

    #[test]
    fn well_known_texts_are_told_apart_and_go_no_further() {
        for (line, means) in [
            ("ERR max number of clients reached", "max-clients"),
            (
                "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?",
                "no-password-set",
            ),
            (
                "ERR unknown command 'AUTH', with args beginning with: 'default' 'secret'",
                "unknown-command",
            ),
            (
                "ERR wrong number of arguments for 'auth' command",
                "old-auth",
            ),
            ("NR no upstream host", "proxy-upstream"),
            (
                "DENIED Redis is running in protected mode because protected mode is enabled",
                "protected-mode",
            ),
        ] {
            let ErrorReply::Other { meaning, .. } = ErrorReply::of(line) else {
                panic!("{line}");
            };
            assert_eq!(meaning, Some(means), "{line}");
        }
    }
}
