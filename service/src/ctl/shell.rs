//! `completions` and `man`: what goes with the program.

use std::path::PathBuf;

use clap::{CommandFactory as _, Subcommand};
use clap_complete::env::Shells;

use super::Arguments;
use super::failure::Outcome;
use super::output::Output;

/// The environment variable by which the completion script asks this program.
pub const COMPLETION_VARIABLE: &str = "LODGECTL_COMPLETE";

/// Commands of this group.
#[derive(Subcommand)]
pub enum Command {
    /// Print the script that lets a shell complete commands, options and domains
    #[command(after_help = "\
Examples:
  lodgectl completions bash > ~/.local/share/bash-completion/completions/lodgectl
  lodgectl completions fish > ~/.config/fish/completions/lodgectl.fish
  lodgectl completions zsh > ~/.zfunc/_lodgectl")]
    Completions {
        /// The shell
        #[arg(value_parser = ["bash", "elvish", "fish", "powershell", "zsh"])]
        shell: String,
    },
    /// Write the manual pages, one for each command, into a directory
    #[command(hide = true)]
    Man {
        /// The directory
        #[arg(value_name = "DIRECTORY")]
        directory: PathBuf,
    },
}

/// Runs a command of this group.
pub fn run(command: &Command, output: Output) -> Outcome {
    match command {
        Command::Completions { shell } => {
            let shells = Shells::builtins();
            let completer = shells.completer(shell).ok_or_else(|| format!("there is no completion for the shell '{shell}'"))?;
            let mut script = Vec::new();
            completer
                .write_registration(COMPLETION_VARIABLE, "lodgectl", "lodgectl", "lodgectl", &mut script)
                .map_err(|error| format!("cannot write the script: {error}"))?;
            output.text(script)
        }
        Command::Man { directory } => {
            let write = || {
                std::fs::create_dir_all(directory)?;
                clap_mangen::generate_to(Arguments::command(), directory)
            };
            write().map_err(|error| format!("cannot write manual pages to {}: {error}", directory.display()))?;
            Ok(())
        }
    }
}
