//! The packages that are components.

/// A package of the workspace that is built as a component.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Component {
    /// The health component by itself.
    Health,
    /// The HTTP component by itself.
    HttpHandler,
    /// The capabilities on Spin's interfaces.
    SpinProvider,
    /// The example of somebody else's application.
    RustApp,
    /// For tests: it misbehaves on purpose.
    Hostile,
    /// For tests: the health component of the next version.
    NewerHealth,
}

impl Component {
    /// Every one there is.
    pub const ALL: [Self; 6] = [
        Self::Health,
        Self::HttpHandler,
        Self::SpinProvider,
        Self::RustApp,
        Self::Hostile,
        Self::NewerHealth,
    ];

    pub(crate) fn package(self) -> &'static str {
        match self {
            Self::Health => "cache-health",
            Self::HttpHandler => "cache-health-http-handler",
            Self::SpinProvider => "cache-health-spin-provider",
            Self::RustApp => "rust-app",
            Self::Hostile => "hostile-guest",
            Self::NewerHealth => "newer-health",
        }
    }

    pub(crate) fn file(self) -> String {
        self.package().replace('-', "_") + ".wasm"
    }
}
