//! Documents as the tests read them: every one is checked against the schema in the repository, and every piece of its
//! evidence is a documented one.

use boon::{Compiler, SchemaIndex, Schemas};
use cache_health_report::Document;
use std::cell::OnceCell;

const SCHEMA: &str = include_str!("../../docs/reference/report.schema.json");
const NAME: &str = "report.schema.json";
/// Which names evidence has.
const NAMES: &str = include_str!("../../docs/reference/report.md");

thread_local! {
    static COMPILED: OnceCell<(Schemas, SchemaIndex)> = const { OnceCell::new() };
}

fn compile() -> (Schemas, SchemaIndex) {
    let schema = serde_json::from_str(SCHEMA).expect("JSON");
    let (mut compiler, mut schemas) = (Compiler::new(), Schemas::new());
    compiler.enable_format_assertions();
    compiler.add_resource(NAME, schema).expect("a resource");
    let index = compiler.compile(NAME, &mut schemas).expect("a schema");
    (schemas, index)
}

/// Reads a document, which has to be one by the schema.
pub fn read(text: &str) -> Document {
    let value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    COMPILED.with(|compiled| {
        let (schemas, index) = compiled.get_or_init(compile);
        if let Err(error) = schemas.validate(&value, *index) {
            panic!("{error:#}\nin {text}");
        }
    });
    let document: Document =
        serde_json::from_value(value).unwrap_or_else(|error| panic!("{error}: {text}"));
    for name in evidence(&document) {
        assert!(
            NAMES.contains(&format!("`{name}`")),
            "{name} is not in docs/reference/report.md"
        );
    }
    document
}

/// The names of everything that was seen.
fn evidence(document: &Document) -> Vec<&str> {
    let findings = document.failure.iter().chain(&document.warnings);
    let of_findings = findings.map(|finding| &finding.evidence);
    let all = of_findings.chain([&document.evidence]).flatten();
    all.flat_map(|evidence| evidence.iter().map(|(name, _)| name))
        .collect()
}
