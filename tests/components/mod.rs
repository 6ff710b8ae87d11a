//! Components and hosts of other people.

mod custom;
mod embedder;
mod growth;
mod javascript;
mod middleware;
mod output;
mod python;
mod unfit;
