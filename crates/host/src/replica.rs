//! Which replica this is, as the platform says.

use cache_health_provider::Variables;

/// The most characters of a name.
const MAX_NAME: usize = 128;

/// The replica that this program runs in.
#[derive(Clone, Debug, Default)]
pub struct Replica {
    /// Its name: Container Apps' replica, or the pod. Empty where nobody says.
    pub name: String,
    /// Its revision on Container Apps. Empty elsewhere.
    pub revision: String,
}

impl Replica {
    /// What the platform sets.
    pub fn of(variables: &dyn Variables) -> Self {
        let first = |names: &[&str]| {
            let mut values = names
                .iter()
                .filter_map(|name| variables.get(name).ok().flatten());
            values.next().map(|value| plain(&value)).unwrap_or_default()
        };
        Self {
            name: first(&["CONTAINER_APP_REPLICA_NAME", "HOSTNAME"]),
            revision: first(&["CONTAINER_APP_REVISION"]),
        }
    }
}

fn plain(value: &str) -> String {
    let kept = value.chars().filter(|c| !c.is_control());
    kept.take(MAX_NAME).collect()
}
