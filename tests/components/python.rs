//! The example in Python, whose interpreter is in the component.

use super::custom::serve_app;
use crate::fixtures::{Azure, told};

#[test]
#[ignore = "needs componentize-py: cargo xtask test"]
fn an_app_in_python_gets_the_verdict_and_the_remedy() {
    let app = told("CACHE_HEALTH_PYTHON_APP");
    // Twenty megabytes are compiled: logging any of that takes longer than doing it.
    let _server = serve_app(&Azure::start(), &app, "info");
}
