//! What whoever reads standard output can be shown: ASCII, unless it is a terminal that says it takes UTF-8.
//!
//! `az containerapp exec` on Windows ends with an error at the first character beyond its code page.

use crate::environment;
use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _};

/// What can be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    unicode: bool,
    colour: bool,
}

/// How something went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    /// Well.
    Ok,
    /// Well, with something to remark.
    Warn,
    /// Not.
    Fail,
    /// It was not reached, or is not needed.
    Skip,
}

impl Style {
    /// ASCII, without colour.
    pub const PLAIN: Self = Self {
        unicode: false,
        colour: false,
    };

    /// What standard output takes.
    pub fn of_standard_output() -> Self {
        let unicode = io::stdout().is_terminal() && environment::takes_utf8();
        Self {
            unicode,
            colour: unicode && !environment::wants_no_colour(),
        }
    }

    /// Whether something that moves can be shown on standard error.
    pub fn moves(self) -> bool {
        self.unicode && io::stderr().is_terminal()
    }

    /// The sign of a mark, four columns wide in ASCII and one otherwise.
    pub fn sign(self, mark: Mark) -> String {
        let (sign, colour, ascii) = match mark {
            Mark::Ok => ("\u{2713}", "32", "ok  "),
            Mark::Warn => ("!", "33", "warn"),
            Mark::Fail => ("\u{2717}", "31", "FAIL"),
            Mark::Skip => ("-", "90", "-   "),
        };
        match self {
            Self { colour: true, .. } => format!("\u{1b}[{colour}m{sign}\u{1b}[0m"),
            Self { unicode: true, .. } => sign.to_owned(),
            _ => ascii.to_owned(),
        }
    }

    /// A text as it can be shown: what is not ASCII is written as its number where it has to be.
    pub fn text(self, text: &str) -> Cow<'_, str> {
        if self.unicode || text.is_ascii() {
            return Cow::Borrowed(text);
        }
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            // Writing to a string cannot fail.
            let _ = match c {
                '\u{2026}' => write!(out, "..."),
                c if c.is_ascii() => write!(out, "{c}"),
                c => write!(out, "\\u{{{:x}}}", u32::from(c)),
            };
        }
        Cow::Owned(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_ascii_is_written_as_its_number_where_it_has_to_be() {
        assert_eq!(Style::PLAIN.text("K\u{f6}ln\u{2026}"), "K\\u{f6}ln...");
        let utf8 = Style {
            unicode: true,
            colour: false,
        };
        assert_eq!(utf8.text("K\u{f6}ln"), "K\u{f6}ln");
        assert!(Style::PLAIN.sign(Mark::Fail).is_ascii());
    }
}
