//! Which route a path is, and what its query asks for.

/// The routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// Whether the component works; never touches Redis.
    Livez,
    /// Whether to send traffic.
    Readyz,
    /// The full report.
    Healthz,
}

impl Route {
    /// The route of a path; none when there is no such route.
    pub fn of(path: &str) -> Option<Self> {
        match path {
            "/livez" => Some(Self::Livez),
            "/readyz" => Some(Self::Readyz),
            "/healthz" => Some(Self::Healthz),
            _ => None,
        }
    }
}

/// What a method asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `GET`.
    Get,
    /// `HEAD`: as `GET`, without the body.
    Head,
    /// Any other, which no route takes.
    Other,
}

/// What the query asks for. Unknown parameters are ignored: probes add their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// `fresh=1`: check now.
    pub fresh: bool,
    /// `verbose` or `verbose=1`: a line per step.
    pub verbose: bool,
    /// `new-connection=1`: prove also that a new connection can be made.
    pub new_connection: bool,
}

impl Query {
    /// Reads a query string.
    pub fn of(query: &str) -> Self {
        let has = |name: &str| {
            query
                .split('&')
                .any(|pair| pair.strip_suffix("=1") == Some(name))
        };
        Self {
            fresh: has("fresh"),
            verbose: has("verbose") || query.split('&').any(|pair| pair == "verbose"),
            new_connection: has("new-connection"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_paths_are_routes() {
        assert_eq!(Route::of("/healthz"), Some(Route::Healthz));
        assert_eq!(Route::of("/readyz"), Some(Route::Readyz));
        assert_eq!(Route::of("/livez"), Some(Route::Livez));
        for path in ["/", "/healthz/", "/HEALTHZ", "//healthz", ""] {
            assert_eq!(Route::of(path), None, "{path}");
        }
    }

    #[test]
    fn fresh_is_asked_for_with_exactly_one() {
        assert!(Query::of("fresh=1").fresh);
        assert!(Query::of("a=b&fresh=1").fresh);
        for query in ["", "fresh", "fresh=0", "fresh=11", "xfresh=1", "fresh=1x"] {
            assert!(!Query::of(query).fresh, "{query}");
        }
    }
}
