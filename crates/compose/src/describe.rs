//! What a component says of itself, which registries take for annotations (the custom sections of the tool conventions,
//! `wasm-tools metadata show`).

use anyhow::Result;
use clap::Args;
use wasm_metadata::{
    AddMetadata, AddMetadataField, Description, Licenses, Revision, Source, Version,
};

/// What is said.
#[derive(Args)]
pub struct About {
    /// Its name.
    #[arg(long)]
    name: String,
    /// What it is, in one sentence.
    #[arg(long)]
    description: String,
    /// The version of the product.
    #[arg(long)]
    version: String,
    /// An SPDX licence expression.
    #[arg(long)]
    license: String,
    /// Where its source is, a URL.
    #[arg(long)]
    source: String,
    /// The commit that it was built from.
    #[arg(long)]
    revision: Option<String>,
}

/// The component with it. What it said of the same before is replaced.
pub fn describe(component: &[u8], about: &About) -> Result<Vec<u8>> {
    let mut metadata = AddMetadata::default();
    metadata.name = AddMetadataField::Set(about.name.clone());
    metadata.description = AddMetadataField::Set(Description::new(about.description.clone()));
    metadata.version = AddMetadataField::Set(Version::new(about.version.clone()));
    metadata.licenses = AddMetadataField::Set(Licenses::new(&about.license)?);
    metadata.source = AddMetadataField::Set(Source::new(&about.source)?);
    if let Some(revision) = &about.revision {
        metadata.revision = AddMetadataField::Set(Revision::new(revision.clone()));
    }
    metadata.to_wasm(component)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_metadata::Payload;

    /// A component with nothing in it.
    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    fn about(version: &str) -> About {
        About {
            name: "cache-health".into(),
            description: "Proves something".into(),
            version: version.into(),
            license: "Apache-2.0".into(),
            source: "https://example.org/source".into(),
            revision: Some("2f1d675".into()),
        }
    }

    #[test]
    fn a_component_says_what_it_is_and_where_it_comes_from() {
        let first = describe(EMPTY, &about("0.1.0")).expect("described");
        let again = describe(&first, &about("0.2.0")).expect("described again");
        let payload = Payload::from_binary(&again).expect("a component");
        let metadata = payload.metadata();
        assert_eq!(metadata.name.as_deref(), Some("cache-health"));
        let said = [
            metadata.description.as_ref().map(ToString::to_string),
            metadata.version.as_ref().map(ToString::to_string),
            metadata.licenses.as_ref().map(ToString::to_string),
            metadata.source.as_ref().map(ToString::to_string),
            metadata.revision.as_ref().map(ToString::to_string),
        ];
        let said: Vec<_> = said.iter().map(|said| said.as_deref()).collect();
        assert_eq!(
            said,
            [
                Some("Proves something"),
                Some("0.2.0"),
                Some("Apache-2.0"),
                Some("https://example.org/source"),
                Some("2f1d675"),
            ]
        );
    }

    #[test]
    fn what_is_no_licence_is_refused() {
        let mut wrong = about("0.1.0");
        wrong.license = "do what you like".into();
        assert!(describe(EMPTY, &wrong).is_err());
    }
}
