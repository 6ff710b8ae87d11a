//! What a package manager installs beside the program: completions and a manual page, made from the command line itself.

use cache_health_host::check::MISCONFIGURED;
use clap::Command;
use clap_complete::Shell;
use std::io::{self, Write as _};
use std::process::ExitCode;

/// Prints the completions for a shell.
pub fn completions(shell: Shell, mut command: Command) -> ExitCode {
    let mut out = Vec::new();
    clap_complete::generate(shell, &mut command, "cache-health", &mut out);
    print(&out)
}

/// Prints the manual page, or that of a command.
pub fn page(mut all: Command, name: Option<&str>) -> ExitCode {
    all.build();
    let command = match name {
        None => all,
        Some(name) => match all.find_subcommand(name) {
            Some(command) => command.clone(),
            None => return ExitCode::from(MISCONFIGURED),
        },
    };
    let mut out = Vec::new();
    // Writing to memory cannot fail.
    let _ = clap_mangen::Man::new(command).render(&mut out);
    print(&out)
}

fn print(text: &[u8]) -> ExitCode {
    match io::stdout().lock().write_all(text) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
