//! Components that do not fit are told what does not fit.

use crate::fixtures::server::COMPONENT_LOG as LOG;
use crate::fixtures::{Check, artifacts};
use cache_health_artifacts::Component;
use std::path::Path;

/// What is said of this component.
pub fn refusal(component: &Path) -> String {
    let check = Check::of("localhost", 6380)
        .env("REDIS_ACCESS_KEY", "key")
        .env("RUST_LOG", LOG);
    let file = component.display().to_string();
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--component", &file];
    let (output, _) = check.output(&arguments);
    let text = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("--component cannot be used: "), "{text}");
    text
}

/// What is said of the example with some of its bytes in place of others, wherever they stand.
fn example_with(name: impl AsRef<[u8]>, instead: impl AsRef<[u8]>) -> String {
    let (name, instead) = (name.as_ref(), instead.as_ref());
    assert_eq!(name.len(), instead.len());
    let mut bytes = std::fs::read(artifacts().component(Component::RustApp)).expect("built");
    let mut from = 0;
    while let Some(at) = position(&bytes[from..], name) {
        let at = from + at;
        bytes[at..at + name.len()].copy_from_slice(instead);
        from = at + name.len();
    }
    assert_ne!(from, 0, "the example has none of them");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("app.wasm");
    std::fs::write(&file, bytes).expect("written");
    refusal(&file)
}

fn position(bytes: &[u8], name: &[u8]) -> Option<usize> {
    bytes.windows(name.len()).position(|window| window == name)
}

#[test]
fn another_version_of_health_is_named_with_the_one_that_is_here() {
    let text = example_with(
        "cache-health:probe/health@0.2.0",
        "cache-health:probe/health@0.1.0",
    );
    let both =
        "it imports cache-health:probe/health@0.1.0, and this has cache-health:probe/health@0.2.0";
    assert!(text.contains(both), "{text}");
}

#[test]
fn a_health_that_is_declared_otherwise_is_named_with_the_difference() {
    let text = example_with("new-connection", "old-connection");
    assert!(
        text.contains("cache-health:probe/health@0.2.0 is not the one of that name"),
        "{text}"
    );
    assert!(text.contains("old-connection"), "{text}");
}

#[test]
fn an_import_that_nobody_supplies_is_named_in_wasmtimes_words() {
    let text = example_with("wasi:http/types@0.3.0", "wasi:http/typos@0.3.0");
    assert!(text.contains("wasi:http/typos@0.3.0"), "{text}");
}

#[test]
fn an_application_of_wasi_0_2_is_told_of_the_generation_and_of_the_way_around() {
    let text = refusal(&artifacts().component(Component::Older));
    assert!(text.contains("wasi:http/incoming-handler@0.2"), "{text}");
    assert!(text.contains("an application of WASI 0.2"), "{text}");
    assert!(text.contains("let it ask /healthz over HTTP"), "{text}");
}

#[test]
fn a_component_that_answers_no_requests_is_told_what_it_exports() {
    let text = refusal(&artifacts().component(Component::Health));
    assert!(
        text.contains("it exports cache-health:probe/health@0.2.0"),
        "{text}"
    );
}
