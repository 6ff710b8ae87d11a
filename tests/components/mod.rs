//! Components and hosts of other people.

mod custom;
mod embedder;
mod growth;
mod python;
