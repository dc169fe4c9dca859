//! QEMU's command line as a domain.
//!
//! The text is taken apart as a shell would ([`words`]), then into options ([`options`]) and their
//! properties ([`props`]). First the back ends are noted by their ids (drives, network, character
//! devices, objects), then each other option becomes an element with the back ends it names.
//!
//! Invariants:
//! - Every option is in an element, in `<qemu:commandline>`, or in a warning that says why it is in
//!   neither. What is kept for the command line is told too.
//! - An id that an option of the command line refers to is there: what has that id stays an option.
//! - Nothing is executed, expanded or looked up.
//!
//! Sources: QEMU's manual page qemu-system-x86_64(1) of 10.0, those of older versions for options that
//! are gone, and libvirt's formatdomain documentation.

mod audio;
mod back_ends;
mod block;
mod boot;
mod buses;
mod characters;
mod clock;
mod controller;
mod conversion;
mod devices;
mod disk;
mod disk_names;
mod display;
mod filesystem;
mod flash;
mod general;
mod hostdev;
mod hyperv;
mod image;
mod lifecycle;
mod machine;
mod memory;
mod network;
mod numa;
mod option_names;
mod options;
mod outcome;
mod paths;
mod processor;
mod props;
mod smbios;
mod source;
mod starter;
mod tree;
mod usb;
mod words;

use super::{Converted, ReadError, Warnings};
use crate::xml::Position;
use conversion::Conversion;
use options::CommandLine;
use words::Word;

/// How often the conversion is tried anew with more options left as they are.
const ROUNDS: usize = 8;

/// Reads a command line. Of several commands the one that runs QEMU is read.
///
/// # Errors
/// [`ReadError`] for text that has no command, a quote without end, or an option whose value is
/// missing or no value at all.
pub fn read(text: &str) -> Result<Converted, ReadError> {
    let mut warnings = Warnings::default();
    let commands = words::split(text, &mut warnings)?;
    let command = the_one_of_qemu(commands, &mut warnings)?;
    let line = options::read(command, &mut warnings)?;
    convert(&line, warnings)
}

/// Converts a command line; the warnings are those of reading it.
fn convert(line: &CommandLine, warnings: Warnings) -> Result<Converted, ReadError> {
    let mut kept = std::collections::BTreeSet::new();
    for _ in 0..ROUNDS {
        let conversion = Conversion::run(line, &kept)?;
        let referenced = conversion.named_by_what_is_kept();
        if referenced.is_subset(&kept) {
            return conversion.finish(warnings);
        }
        kept.extend(referenced);
    }
    Conversion::run(line, &kept)?.finish(warnings)
}

/// The last command that runs QEMU, else the last one.
fn the_one_of_qemu(mut commands: Vec<Vec<Word>>, warnings: &mut Warnings) -> Result<Vec<Word>, ReadError> {
    let of_qemu = |command: &Vec<Word>| options::program_of(command).is_some();
    let at = commands.iter().rposition(of_qemu).or(commands.len().checked_sub(1));
    let Some(at) = at else {
        let position = Position { line: 1, column: 1 };
        return Err(ReadError { position, reason: "there is no command; give one such as 'qemu-system-x86_64 -m 1G'".to_owned() });
    };
    // What other commands have for a shell is nothing to tell.
    let start = |command: Option<&Vec<Word>>| command.and_then(|command| command.first()).map(|word| place(word.position));
    let (from, to) = (start(commands.get(at)), start(commands.get(at + 1)));
    warnings.retain(|position| Some(place(position)) >= from && to.is_none_or(|to| place(position) < to));
    let command = commands.remove(at);
    for other in commands {
        if let Some(first) = other.first() {
            warnings.tell(first.position, format!("the command '{}' is left out: only QEMU's is converted", first.text));
        }
    }
    Ok(command)
}

/// A position that can be compared.
fn place(position: Position) -> (u32, u32) {
    (position.line, position.column)
}

#[cfg(test)]
mod tests;
