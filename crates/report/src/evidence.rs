//! What was seen: names and values. Whoever supplies them may be hostile, so they are cut and cleaned here.

/// The most characters of a value.
pub const MAX_VALUE: usize = 256;
/// The most items of a value that is a list.
pub const MAX_ITEMS: usize = 20;
/// The most values.
pub const MAX_VALUES: usize = 40;
/// The longest name.
const MAX_NAME: usize = 64;

/// What was seen. The names in use are documented in `docs/reference/report.md`; none is there twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence(Vec<(String, String)>);

impl Evidence {
    /// Nothing seen.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// One value.
    pub fn of(name: &str, value: impl AsRef<str>) -> Self {
        Self::new().with(name, value)
    }

    /// The same with one more value; a value of the same name is replaced. Control characters are taken out, and
    /// what is too long is cut off.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl AsRef<str>) -> Self {
        self.set(name, value);
        self
    }

    /// The same with a list, its items separated by a comma and a space.
    #[must_use]
    pub fn with_list<I: AsRef<str>>(self, name: &str, items: impl IntoIterator<Item = I>) -> Self {
        let items: Vec<String> = items
            .into_iter()
            .take(MAX_ITEMS)
            .map(|item| clean(item.as_ref()))
            .collect();
        self.with(name, items.join(", "))
    }

    /// Adds a value or replaces the one of this name.
    pub fn set(&mut self, name: &str, value: impl AsRef<str>) {
        self.put(clean_name(name.to_owned()), clean(value.as_ref()));
    }

    /// What is clean already.
    fn put(&mut self, name: String, value: String) {
        if name.is_empty() || value.is_empty() {
            return;
        }
        if let Some((_, known)) = self.0.iter_mut().find(|(known, _)| *known == name) {
            *known = value;
        } else if self.0.len() < MAX_VALUES {
            self.0.push((name, value));
        }
    }

    /// Adds what is in the other and not in this.
    pub fn extend(&mut self, other: Self) {
        for (name, value) in other.0 {
            if self.get(&name).is_none() {
                self.put(name, value);
            }
        }
    }

    /// A value.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// A value that is a number.
    pub fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.get(name)?.parse().ok()
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// As the WIT packages have it.
    pub fn into_list(self) -> Vec<(String, String)> {
        self.0
    }
}

impl From<Vec<(String, String)>> for Evidence {
    fn from(list: Vec<(String, String)>) -> Self {
        let mut evidence = Self::new();
        for (name, value) in list {
            evidence.put(clean_name(name), printable(value, MAX_VALUE));
        }
        evidence
    }
}

fn clean(value: &str) -> String {
    printable(value.to_owned(), MAX_VALUE)
}

fn clean_name(name: String) -> String {
    let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    if name.len() <= MAX_NAME && name.bytes().all(|byte| named(byte.into())) {
        return name;
    }
    name.chars().filter(|c| named(*c)).take(MAX_NAME).collect()
}

/// What of a text that somebody else wrote can be shown: at most `limit` characters.
#[must_use]
pub fn printable(text: String, limit: usize) -> String {
    // Nearly every text is, and every check has some.
    if text.len() <= limit && text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return text;
    }
    // Besides control characters, those that turn the direction of text (Unicode TR 36): a report is pasted into
    // tickets and terminals.
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars()
        .filter(|c| !c.is_control() && !turns(*c))
        .take(limit)
        .collect()
}

#[cfg(feature = "json")]
mod json {
    use super::Evidence;
    use serde::ser::SerializeMap as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use std::collections::BTreeMap;

    impl Serialize for Evidence {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(Some(self.0.len()))?;
            for (name, value) in self.iter() {
                map.serialize_entry(name, value)?;
            }
            map.end()
        }
    }

    impl<'de> Deserialize<'de> for Evidence {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let map = BTreeMap::<String, String>::deserialize(deserializer)?;
            Ok(map.into_iter().collect::<Vec<_>>().into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_hostile_provider_passes_is_cut_and_cleaned() {
        let evidence = Evidence::of("a\u{1b}[31m.b", "x\u{1b}[31m\ny\u{202e}z")
            .with("long", "x".repeat(1000))
            .with("", "nameless")
            .with("empty", "\n");
        assert_eq!(evidence.get("a31m.b"), Some("x[31myz"));
        assert_eq!(evidence.get("long").map(str::len), Some(MAX_VALUE));
        assert_eq!(evidence.iter().count(), 2);
        let many: Vec<_> = (0..1000).map(|n| (n.to_string(), "v".to_owned())).collect();
        assert_eq!(Evidence::from(many).iter().count(), MAX_VALUES);
    }

    #[test]
    fn a_list_has_twenty_items_at_most() {
        let evidence = Evidence::new().with_list("l", (0..100).map(|n| n.to_string()));
        let items = evidence.get("l").map(|list| list.split(", ").count());
        assert_eq!(items, Some(MAX_ITEMS));
    }
}
