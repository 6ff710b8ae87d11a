//! The example in JavaScript, whose interpreter is in the component.

use super::folder;
use crate::components::custom::serve_app;
use crate::components::unfit::refusal;
use crate::fixtures::Azure;

#[test]
#[ignore = "needs jco and componentize-qjs: cargo xtask test"]
fn an_app_in_javascript_gets_the_verdict_and_the_remedy() {
    let app = folder().join("js-app/app.wasm").display().to_string();
    let server = serve_app(&Azure::start(), &app, "info");
    // Calls that the host waits for side by side.
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| server.get("/").status))
            .collect();
        for client in clients {
            assert_eq!(client.join().expect("an answer"), 503);
        }
    });
}

#[test]
#[ignore = "needs jco and componentize-qjs: cargo xtask test"]
fn a_check_that_is_not_async_is_named_as_such() {
    let text = refusal(&folder().join("js-app/app.sync.wasm"));
    assert!(
        text.contains("cache-health:probe/health@0.2.0 is not the one of that name"),
        "{text}"
    );
    assert!(text.contains("async"), "{text}");
}
