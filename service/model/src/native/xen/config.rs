//! The files of xm and xl: settings `key = value`, one a line or with `;` between them.
//!
//! A file of xm is a program in Python, and people write only literals into it: strings, numbers and
//! lists of them. These are read, with Python's escapes, comments and neighbouring strings; anything
//! that would have to be computed is refused. xl's files are such literals by definition (xl.cfg(5)).

use super::Dialect;
use super::cursor::{Cursor, Lines};
use super::input::Input;
use super::output::Output;
use super::value::{Item, Value, number, printed};
use crate::native::ReadError;

/// Deepest nesting of lists; xl's deepest setting has two.
const MAX_DEPTH: usize = 8;

/// Most values in all lists together.
const MAX_VALUES: usize = 65536;

const NEXT_STEP: &str = "the file is read, never executed: write down the value itself";

/// Reads a file.
///
/// # Errors
/// [`ReadError`] for what is no setting, or over a limit.
pub(super) fn parse(text: &str, dialect: Dialect) -> Result<Input, ReadError> {
    let mut parser = Parser { cursor: Cursor::new(text)?, input: Input::new(dialect), values: 0 };
    loop {
        parser.blank(Blank::Lines);
        if parser.cursor.peek().is_none() {
            return Ok(parser.input);
        }
        if !parser.cursor.eat(';') {
            parser.setting()?;
        }
    }
}

/// What may stand between two parts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Blank {
    /// Blanks of a line.
    Line,
    /// Ends of lines and comments too.
    Lines,
}

struct Parser<'a> {
    cursor: Cursor<'a>,
    input: Input,
    values: usize,
}

impl Parser<'_> {
    fn blank(&mut self, kind: Blank) {
        while let Some(character) = self.cursor.peek() {
            match character {
                ' ' | '\t' | '\r' => drop(self.cursor.next()),
                '\n' if kind == Blank::Lines => drop(self.cursor.next()),
                '#' if kind == Blank::Lines => drop(self.cursor.run(|character| character != '\n')),
                '\\' => {
                    self.cursor.next();
                    self.cursor.eat('\r');
                    if !self.cursor.eat('\n') {
                        return;
                    }
                }
                _ => return,
            }
        }
    }

    fn setting(&mut self) -> Result<(), ReadError> {
        let position = self.cursor.position;
        let key = self.cursor.run(is_word);
        if key.is_empty() || key.starts_with(|character: char| character.is_ascii_digit()) {
            let reason = self.cursor.expected("the name of a setting").reason;
            return Err(ReadError {
                position,
                reason: if key.is_empty() { reason } else { format!("expected the name of a setting, found '{key}'") },
            });
        }
        self.blank(Blank::Line);
        let adds = self.cursor.eat('+');
        if !self.cursor.eat('=') {
            return Err(self.cursor.expected(&format!("'=' behind '{key}' ({NEXT_STEP})")));
        }
        self.blank(Blank::Line);
        let value = self.value(key, 0, Blank::Line)?;
        self.blank(Blank::Line);
        if !matches!(self.cursor.peek(), None | Some('\n' | ';' | '#')) {
            return Err(self.cursor.expected(&format!("the end of the line behind the value of '{key}' ({NEXT_STEP})")));
        }
        if adds { self.input.append(key, position, value) } else { self.input.set(key, position, value) }
    }

    /// A value; Python's `None` says nothing, as an empty string does.
    fn value(&mut self, key: &str, depth: usize, between: Blank) -> Result<Item, ReadError> {
        let position = self.cursor.position;
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err(self.cursor.error(format!("this is one value more than the {MAX_VALUES} that are read; remove some")));
        }
        let value = match self.cursor.peek() {
            Some('"' | '\'') => Value::Text(self.strings(between)?),
            Some('[') => Value::List(self.list(key, depth + 1)?),
            Some(character) if is_word(character) || character == '-' => {
                let word = self.cursor.run(|character| is_word(character) || matches!(character, '-' | '.'));
                match word {
                    "True" => Value::Number(1),
                    "False" => Value::Number(0),
                    "None" if depth == 0 => Value::Text(String::new()),
                    digits => Value::Number(number(digits).ok_or_else(|| {
                        let reason = format!("expected a string, a whole number or a list for '{key}', found {digits} ({NEXT_STEP})");
                        ReadError { position, reason }
                    })?),
                }
            }
            _ => return Err(self.cursor.expected(&format!("a string, a whole number or a list for '{key}'"))),
        };
        Ok(Item { value, position })
    }

    /// Neighbouring strings, which are one.
    fn strings(&mut self, between: Blank) -> Result<String, ReadError> {
        let mut text = String::new();
        while let Some(quote @ ('"' | '\'')) = self.cursor.peek() {
            self.cursor.next();
            text.push_str(&self.cursor.string(quote, Lines::One)?);
            self.blank(between);
        }
        Ok(text)
    }

    fn list(&mut self, key: &str, depth: usize) -> Result<Vec<Item>, ReadError> {
        if depth > MAX_DEPTH {
            return Err(self.cursor.error(format!("this list is inside of {MAX_DEPTH} others; no setting needs so many")));
        }
        self.cursor.next();
        let mut items = Vec::new();
        loop {
            self.blank(Blank::Lines);
            if self.cursor.eat(']') {
                return Ok(items);
            }
            items.push(self.value(key, depth, Blank::Lines)?);
            self.blank(Blank::Lines);
            if !self.cursor.eat(',') && self.cursor.peek() != Some(']') {
                return Err(self.cursor.expected(&format!("',' or ']' in the list of '{key}'")));
            }
        }
    }
}

fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

/// Writes a file.
pub(super) fn print(output: &Output) -> String {
    output.settings.iter().map(|(key, value)| format!("{key} = {}\n", printed(value))).collect()
}
