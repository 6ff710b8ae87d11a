//! Texts with values in them. Sentences and commands are written with `$REDIS_NAME` and the like in place of values,
//! as the recipe's variables are: so they can be shown to everybody, and pasted where the variables are set. Where
//! details may be seen, the values are filled in.

use crate::Evidence;

/// What stands for a value in a text, and the evidence that has it. One that begins like another stands before it.
const PLACES: [(&str, &str); 8] = [
    ("$REDIS_HOST", "redis.host"),
    ("$REDIS_PORT", "redis.port"),
    ("$REDIS_NAME", "redis.name"),
    ("$REDIS_NODE", "redis.node"),
    ("$REDIS_HEALTH_KEY", "redis.key"),
    ("$PRINCIPAL_ID", "identity.principalId"),
    ("$IDENTITY_ENDPOINT_HOST", "identity.endpoint"),
    ("$VARIABLE", "config.variable"),
];

/// A principal without its hyphens, as bash writes it: names on Azure Managed Redis have letters and digits only.
const LETTERS: &str = "${PRINCIPAL_ID//-/}";

/// The text with the values that are known. `first` wins over `second`.
pub fn fill(text: &str, first: &Evidence, second: &Evidence) -> String {
    let known = |name| first.get(name).or_else(|| second.get(name));
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix(LETTERS) {
            match known("identity.principalId").filter(|value| is_plain(value)) {
                Some(value) => out.extend(value.chars().filter(|c| *c != '-')),
                None => out.push_str(LETTERS),
            }
            rest = after;
            continue;
        }
        let place = PLACES.iter().find(|(place, _)| rest.starts_with(place));
        let value = place.and_then(|(_, name)| known(name));
        match (place, value.filter(|value| is_plain(value))) {
            (Some((place, _)), Some(value)) => {
                out.push_str(value);
                rest = &rest[place.len()..];
            }
            _ => {
                out.push('$');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// Whether a value can stand in a command that is pasted into a shell. Others are left to the evidence.
fn is_plain(value: &str) -> bool {
    let plain = |c: char| {
        c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']' | '{' | '}')
    };
    value.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_are_known_are_filled_in_and_the_others_stay_variables() {
        let evidence = Evidence::of("redis.name", "shop").with("identity.principalId", "8a-1f");
        let filled = fill(
            "az redis show --name $REDIS_NAME -g \"$RG\" $PRINCIPAL_ID cachehealth${PRINCIPAL_ID//-/} $REDIS_HOST $",
            &evidence,
            &Evidence::new(),
        );
        assert_eq!(
            filled,
            "az redis show --name shop -g \"$RG\" 8a-1f cachehealth8a1f $REDIS_HOST $"
        );
    }

    #[test]
    fn a_value_that_a_shell_would_take_for_more_is_not_filled_in() {
        for hostile in [
            "a b",
            "a;rm -rf ~",
            "$(id)",
            "`id`",
            "a'b",
            "a\"b",
            "a|b",
            "ä",
        ] {
            let evidence = Evidence::of("redis.name", hostile);
            assert_eq!(
                fill("$REDIS_NAME", &evidence, &Evidence::new()),
                "$REDIS_NAME",
                "{hostile}"
            );
        }
    }
}
