//! `validate`: what Lodge makes of a document of any kind. Nothing is asked of the service.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use lodge_model::documents;

use super::failure::{Outcome, complain};
use super::input;
use super::output::Output;

/// Commands of this group.
#[derive(Subcommand)]
pub enum Command {
    /// Check documents of any kind: what is wrong, and what is not understood
    #[command(after_help = "\
Nothing is defined, and no service is needed. The exit status is 0 when every document could be defined.

Examples:
  lodgectl validate guest.xml network.xml
  lodgectl validate --strict guest.xml            fails also for what is kept but not understood
  virsh pool-dumpxml default | lodgectl validate --print -")]
    Validate(Validate),
}

/// Arguments of `validate`.
#[derive(Args)]
pub struct Validate {
    /// The documents; - is standard input
    #[arg(value_name = "FILE", required = true, value_hint = clap::ValueHint::FilePath)]
    files: Vec<PathBuf>,
    /// Fail also for what is kept but not understood
    #[arg(long)]
    strict: bool,
    /// Print each document as Lodge writes it
    #[arg(long)]
    print: bool,
}

/// Runs a command of this group.
pub fn run(command: &Command, output: Output) -> Outcome {
    let Command::Validate(validate) = command;
    let mut refused = 0_usize;
    for file in &validate.files {
        if !examine(file, validate, output)? {
            refused += 1;
        }
    }
    match (refused, validate.files.len()) {
        (0, _) => Ok(()),
        (_, 1) => Err("the document is not in order".into()),
        (refused, all) => Err(format!("{refused} of {all} documents are not in order").into()),
    }
}

/// Whether the document is in order.
fn examine(file: &Path, options: &Validate, output: Output) -> Outcome<bool> {
    let name = file.display();
    let examined = match documents::examine(&input::read(file)?) {
        Ok(examined) => examined,
        Err(error) => {
            complain("error", &format!("{name}: {error}"));
            return Ok(false);
        }
    };
    for warning in &examined.warnings {
        complain("warning", &format!("{name}: {warning}"));
    }
    for problem in &examined.problems {
        complain("error", &format!("{name}: {problem}"));
    }
    let in_order = examined.problems.is_empty() && (!options.strict || examined.warnings.is_empty());
    if options.print {
        output.document(&examined.normalized)?;
    } else if in_order {
        output.confirm(format_args!("{name}: <{}> is in order", examined.root))?;
    }
    Ok(in_order)
}
