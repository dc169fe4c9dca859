//! The command line as options: which take a value, and where each stands.

use super::super::{ReadError, Warnings};
use super::option_names::takes_value;
use super::words::Word;
use crate::xml::Position;

/// An option with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opt {
    /// The name without dashes.
    pub name: String,
    /// The value; empty for those that take none.
    pub value: String,
    /// Whether it has a value.
    pub has_value: bool,
    /// Where it begins.
    pub position: Position,
}

impl Opt {
    /// As arguments of QEMU.
    pub fn arguments(&self) -> Vec<String> {
        let name = format!("-{}", self.name);
        if self.has_value { vec![name, self.value.clone()] } else { vec![name] }
    }
}

/// What one command says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine {
    /// Variables of its environment.
    pub environment: Vec<(String, String, Position)>,
    /// The program.
    pub program: Word,
    /// Its options.
    pub options: Vec<Opt>,
}

/// Programs that are told to start the one after them.
const STARTERS: &[&str] = &["$", "exec", "sudo", "nohup", "env", "command", "time", "setsid"];

/// How far from the start of a command its program is looked for: `sudo -u NAME nice -n 5 taskset -c 0-3 qemu-system-x86_64`.
const BEFORE_THE_PROGRAM: usize = 16;

/// The place of QEMU in a command: a program of its name that is no tool of QEMU's.
pub fn program_of(command: &[Word]) -> Option<usize> {
    command.iter().take(BEFORE_THE_PROGRAM).position(|word| {
        let name = word.text.rsplit('/').next().unwrap_or_default();
        let name = name.strip_suffix(".exe").unwrap_or(name);
        name.starts_with("qemu-system-") || matches!(name, "qemu" | "kvm" | "qemu-kvm" | "kvm-spice")
    })
}

/// Takes a command apart.
///
/// # Errors
/// It has no program, a word that is no option, or an option whose value is missing.
pub fn read(words: Vec<Word>, warnings: &mut Warnings) -> Result<CommandLine, ReadError> {
    let known = program_of(&words);
    let mut words = words.into_iter().enumerate();
    let (mut environment, mut before) = (Vec::new(), Vec::<Word>::new());
    let mut end = Position { line: 1, column: 1 };
    let program = loop {
        let Some((at, word)) = words.next() else {
            return Err(ReadError { position: end, reason: "there is no program; give QEMU's, such as qemu-system-x86_64".to_owned() });
        };
        end = word.position;
        match assignment(&word.text) {
            _ if known == Some(at) => break word,
            Some((name, value)) => environment.push((name.to_owned(), value.to_owned(), word.position)),
            None if known.is_some() || STARTERS.contains(&word.text.as_str()) => before.push(word),
            None => break word,
        }
    };
    if let Some(first) = before.first() {
        let text = before.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
        warnings.tell(first.position, format!("'{text}' is left out: the service starts QEMU"));
    }
    let options = options(words.map(|(_, word)| word))?;
    Ok(CommandLine { environment, program, options })
}

/// What stands behind the program.
fn options(words: impl Iterator<Item = Word>) -> Result<Vec<Opt>, ReadError> {
    let mut words = words.peekable();
    let mut options = Vec::new();
    while let Some(word) = words.next() {
        let position = word.position;
        let Some(name) = word.text.strip_prefix("--").or_else(|| word.text.strip_prefix('-')).filter(|name| !name.is_empty()) else {
            if word.text.starts_with("${") && word.text.ends_with("[@]}") {
                let reason = format!(
                    "'{}' stands for options that are elsewhere in the script, and nothing is executed here; convert what 'bash -x' \
                     prints of the script",
                    word.text
                );
                return Err(ReadError { position, reason });
            }
            // QEMU takes a word without a dash for the first disk.
            options.push(Opt { name: "hda".to_owned(), value: word.text, has_value: true, position });
            continue;
        };
        let takes_value = takes_value(name).unwrap_or_else(|| words.peek().is_some_and(|next| !next.text.starts_with('-')));
        let value = if takes_value { words.next() } else { None };
        if takes_value && value.is_none() {
            return Err(ReadError { position, reason: format!("the option -{name} has no value; add one, or take the option out") });
        }
        options.push(Opt {
            name: name.to_owned(),
            has_value: takes_value,
            value: value.map(|word| word.text).unwrap_or_default(),
            position,
        });
    }
    Ok(options)
}

/// An error about the value of an option.
pub fn bad(option: &Opt, what: &str, found: &str) -> ReadError {
    ReadError { position: option.position, reason: format!("-{}: expected {what}, found '{found}'", option.name) }
}

fn assignment(word: &str) -> Option<(&str, &str)> {
    let (name, value) = word.split_once('=')?;
    let is_name =
        !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()) && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_');
    is_name.then_some((name, value))
}
