//! `--component`: somebody else's component, which answers every path that is not ours.
//!
//! It takes a compiler, which not every build has in it: the image runs only what it embeds.

#[cfg(feature = "component")]
pub use with_compiler::CustomComponent;
#[cfg(not(feature = "component"))]
pub use without_compiler::CustomComponent;

#[cfg(feature = "component")]
mod with_compiler {
    use crate::component::{Runtime, RuntimeError};
    use crate::provider::Provider;
    use crate::serve::respond::{Response, respond};
    use cache_health_report::probe::Answer;
    use http::Request;
    use http_body_util::BodyExt as _;
    use hyper::body::Incoming;
    use std::path::Path;
    use std::sync::Arc;
    use tracing::error;
    use wasmtime_wasi_http::Error;

    /// Somebody else's component.
    pub struct CustomComponent(Runtime);

    impl CustomComponent {
        /// Compiles it.
        pub fn load(path: &Path, provider: &Arc<Provider>) -> Result<Self, String> {
            let component = std::fs::read(path).map_err(|error| error.kind().to_string())?;
            Runtime::custom(&component, Arc::clone(provider))
                .map(Self)
                .map_err(|error| error.to_string())
        }

        /// Lets it answer.
        pub async fn answer(&self, request: Request<Incoming>) -> Response {
            let request = request.map(|body| body.map_err(Error::Hyper).boxed_unsync());
            match self.0.handle(request).await {
                Ok(answer) => answer,
                Err(RuntimeError::Busy) => respond(Answer::too_many()),
                Err(error) => {
                    error!(%error, "the component given with --component");
                    respond(Answer::no_answer())
                }
            }
        }

        /// From now on, its instances may end.
        pub fn close(&self) {
            self.0.close();
        }
    }
}

#[cfg(not(feature = "component"))]
mod without_compiler {
    use crate::provider::Provider;
    use crate::serve::respond::Response;
    use http::Request;
    use hyper::body::Incoming;
    use std::path::Path;
    use std::sync::Arc;

    /// There is none.
    pub enum CustomComponent {}

    impl CustomComponent {
        /// Says so.
        pub fn load(_path: &Path, _provider: &Arc<Provider>) -> Result<Self, String> {
            Err("this build has no compiler in it; dist/cache-health has".to_owned())
        }

        pub async fn answer(&self, _request: Request<Incoming>) -> Response {
            match *self {}
        }

        pub fn close(&self) {
            match *self {}
        }
    }
}
