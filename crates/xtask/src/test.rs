//! `cargo xtask test`: every test there is.

use crate::build::{self, EMBEDDER, one_build};
use crate::install;
use crate::shell::{self, check, say, workspace};
use crate::tools::{TOOLS, Tool};
use anyhow::{Result, bail};
use cache_health_artifacts::Artifacts;
use clap::Args;
use std::process::Command;

/// Set where nothing may be left out, as in CI.
const REQUIRE_ALL: &str = "CACHE_HEALTH_REQUIRE_ALL";

/// The arguments of `test`.
#[derive(Args)]
pub struct TestArgs {
    /// Only the tests whose name contains this.
    filter: Option<String>,
    /// Leave out what takes minutes: the image, and the app in Python.
    #[arg(long)]
    quick: bool,
}

/// Builds the program, and runs the tests on it. What cannot be had here is left out, and said at the end.
pub fn test(args: &TestArgs) -> Result<()> {
    install::redis_server()?;
    build::program()?;
    say("building the other components, and the tests");
    Artifacts::of(&workspace()).compose();
    check(one_build("build").args(["--bin", EMBEDDER]))?;

    let mut tests = Tests::of(args);
    let needed = tests.tools()?;
    let (mut variables, mut absent) = (Vec::new(), Vec::new());
    for tool in needed {
        if args.quick && tool.takes_minutes {
            absent.push((tool, "left out by --quick".to_owned()));
            continue;
        }
        match (tool.prepare)() {
            Ok(variable) => variables.extend(variable),
            Err(error) => absent.push((tool, format!("{error:#}"))),
        }
    }
    if let Some((tool, why)) = absent.first()
        && std::env::var_os(REQUIRE_ALL).is_some()
    {
        bail!(
            "{REQUIRE_ALL} is set, and {} is not to be had: {why}",
            tool.name
        );
    }
    tests.variables.extend(variables);
    tests.run(&absent)?;
    for (tool, why) in absent {
        let tests = tool.tests.join(", ");
        say(&format!("SKIPPED: {tests} ({}): {why}", tool.name));
    }
    Ok(())
}

/// The run of the tests.
struct Tests {
    filter: Option<String>,
    variables: Vec<(&'static str, String)>,
}

impl Tests {
    fn of(args: &TestArgs) -> Self {
        let path = |path: std::path::PathBuf| path.display().to_string();
        Self {
            filter: args.filter.clone(),
            variables: vec![
                ("CACHE_HEALTH_PROGRAM", path(build::dist())),
                ("CACHE_HEALTH_EMBEDDER", path(build::built(EMBEDDER))),
            ],
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = one_build("test");
        command.arg("--").args(&self.filter).args(arguments);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// What the tests that are asked for need beyond the program: those that need something are ignored by themselves.
    fn tools(&self) -> Result<Vec<&'static Tool>> {
        let names = shell::stdout(&mut self.command(&["--ignored", "--list"]))?;
        let needs = |tool: &Tool, name: &str| tool.tests.iter().any(|part| name.contains(part));
        let asks = |tool: &&Tool| names.lines().any(|name| needs(tool, name));
        Ok(TOOLS.iter().filter(asks).collect())
    }

    fn run(&self, absent: &[(&Tool, String)]) -> Result<()> {
        if absent.is_empty() {
            return check(&mut self.command(&["--include-ignored"]));
        }
        // Twice, so that what is left out stands in the result as ignored, with what it needs.
        check(&mut self.command(&[]))?;
        let absent = absent.iter().flat_map(|(tool, _)| tool.tests);
        let skip = absent.flat_map(|part| ["--skip", part]);
        let arguments: Vec<&str> = ["--ignored"].into_iter().chain(skip).collect();
        check(&mut self.command(&arguments))
    }
}
