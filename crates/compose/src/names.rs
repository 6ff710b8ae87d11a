//! Without what linkers call the parts of a component inside: nobody reads it once it ships, and it is composed into
//! everything that the component is part of.

use anyhow::{Context as _, Result};
use wasm_encoder::{Component, RawSection};
use wasmparser::{Parser, Payload};

/// The custom section with them (<https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md>).
const SECTION: &str = "component-name";

/// The component without its names. Those of components in it stay.
///
/// # Errors
///
/// When it is not a component.
pub fn without(component: &[u8]) -> Result<Vec<u8>> {
    let mut kept = Component::new();
    let mut depth = 0;
    for payload in Parser::new(0).parse_all(component) {
        let payload = payload.context("not a component")?;
        match &payload {
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::CustomSection(custom) if custom.name() == SECTION => {}
            // What is inside of a section comes along with it.
            _ if depth == 1 => {
                if let Some((id, range)) = payload.as_section() {
                    let range = usize::try_from(range.start)?..usize::try_from(range.end)?;
                    let data = &component[range];
                    kept.section(&RawSection { id, data });
                }
            }
            _ => {}
        }
    }
    Ok(kept.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_encoder::{ComponentNameSection, CustomSection, NestedComponentSection};

    /// A component with a name and a section of somebody else's.
    fn named(nested: Option<&Component>) -> Component {
        let mut component = Component::new();
        if let Some(nested) = nested {
            component.section(&NestedComponentSection(nested));
        }
        let mut names = ComponentNameSection::new();
        names.component("ours");
        component.section(&names);
        component.section(&CustomSection {
            name: "kept".into(),
            data: b"something".into(),
        });
        component
    }

    /// The names of its custom sections, those of nested components first.
    fn sections(component: &[u8]) -> Vec<String> {
        let payloads = Parser::new(0).parse_all(component);
        let custom = payloads.filter_map(|payload| match payload.expect("a component") {
            Payload::CustomSection(custom) => Some(custom.name().to_owned()),
            _ => None,
        });
        custom.collect()
    }

    #[test]
    fn a_component_loses_its_names_and_nothing_else() {
        let named = named(None).finish();
        assert_eq!(sections(&named), [SECTION, "kept"]);
        let without = without(&named).expect("a component");
        assert_eq!(sections(&without), ["kept"]);
        assert!(without.windows(9).any(|bytes| bytes == b"something"));
    }

    #[test]
    fn a_component_inside_keeps_its_own() {
        let outer = named(Some(&named(None))).finish();
        let without = without(&outer).expect("a component");
        assert_eq!(sections(&without), [SECTION, "kept", "kept"]);
    }

    #[test]
    fn what_is_no_component_is_refused() {
        assert!(without(b"something else").is_err());
    }
}
