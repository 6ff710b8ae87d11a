//! `cargo xtask`: the one door. A fresh machine has cargo and nothing else; what is missing is
//! installed here, or named in one sentence.

mod bench;
mod build;
mod components;
mod files;
mod identity;
mod image;
mod install;
mod javascript;
mod python;
mod registries;
mod run;
mod shell;
mod soak;
mod test;
mod tools;

use clap::Parser;
use std::process::ExitCode;

/// Builds, runs and tests cache-health.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Task {
    /// See it work: checks a local stand-in for Azure and prints the verdict.
    Run(run::RunArgs),
    /// Build the components and the program into dist/.
    Build,
    /// Build the components only, into dist/ (what `spin build` calls).
    Components,
    /// Run every test.
    Test(test::TestArgs),
    /// Serve the managed identity protocol on loopback from `az login`, to check a real cache from
    /// here.
    Identity(identity::IdentityArgs),
    /// Build the container image.
    Image(image::ImageArgs),
    /// Load and random faults, with an independent client that judges every verdict.
    Soak(soak::SoakArgs),
    /// Measure side by side with a native service.
    Bench(bench::BenchArgs),
}

fn main() -> ExitCode {
    let result = match Task::parse() {
        Task::Run(args) => run::run(&args),
        Task::Build => build::build().map(|()| ExitCode::SUCCESS),
        Task::Components => components::ship().map(|()| ExitCode::SUCCESS),
        Task::Soak(args) => soak::soak(&args).map(|()| ExitCode::SUCCESS),
        Task::Image(args) => image::image(&args).map(|()| ExitCode::SUCCESS),
        Task::Identity(args) => identity::identity(&args),
        Task::Bench(args) => bench::bench(&args).map(|()| ExitCode::SUCCESS),
        Task::Test(args) => test::test(&args).map(|()| ExitCode::SUCCESS),
    };
    result.unwrap_or_else(|error| {
        eprintln!("xtask: {error:#}");
        ExitCode::FAILURE
    })
}
