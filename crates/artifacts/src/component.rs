//! The packages that are components.

/// A package of the workspace that is built as a component.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Component {
    /// The health component by itself.
    Health,
    /// The HTTP component by itself.
    HttpService,
    /// The HTTP component as middleware, by itself.
    HttpMiddleware,
    /// The capabilities on Spin's interfaces.
    SpinProvider,
    /// The example of somebody else's application.
    RustApp,
    /// The example of an application that knows nothing of us.
    HelloApp,
    /// The example of an application that asks the component beside it.
    ChainingApp,
    /// For tests: an application of WASI 0.2.
    Older,
    /// For tests: an application that answers what it was sent.
    Echo,
    /// For tests: it misbehaves on purpose.
    Hostile,
    /// For tests: the health component of the next version.
    NewerHealth,
    /// For the benchmark: SET and GET, and nothing else.
    Smallest,
}

impl Component {
    /// What ships, and what the tests run.
    pub const ALL: [Self; 11] = [
        Self::Health,
        Self::HttpService,
        Self::HttpMiddleware,
        Self::SpinProvider,
        Self::RustApp,
        Self::HelloApp,
        Self::ChainingApp,
        Self::Older,
        Self::Echo,
        Self::Hostile,
        Self::NewerHealth,
    ];

    pub(crate) fn package(self) -> &'static str {
        match self {
            Self::Health => "cache-health",
            Self::HttpService => "cache-health-http-service",
            Self::HttpMiddleware => "cache-health-http-middleware",
            Self::SpinProvider => "cache-health-spin-provider",
            Self::RustApp => "rust-app",
            Self::HelloApp => "hello-app",
            Self::ChainingApp => "chaining-app",
            Self::Older => "older-guest",
            Self::Echo => "echo-guest",
            Self::Hostile => "hostile-guest",
            Self::NewerHealth => "newer-health",
            Self::Smallest => "smallest-guest",
        }
    }

    /// How it is optimised (`Cargo.toml`): every check runs through the health component, and the others are small.
    pub(crate) fn profile(self) -> &'static str {
        match self {
            Self::Health | Self::Smallest => "health",
            _ => "component",
        }
    }

    pub(crate) fn file(self) -> String {
        self.package().replace('-', "_") + ".wasm"
    }
}
