//! Characters of a configuration with their places.
//!
//! Invariants:
//! - Each character is looked at once; a place costs nothing to know.
//! - A character that XML cannot hold is refused wherever it stands, so no value read has one.

use std::str::Chars;

use crate::native::ReadError;
use crate::xml::{Position, is_allowed};

/// A way through a text.
pub(super) struct Cursor<'a> {
    rest: Chars<'a>,
    /// The place of the next character.
    pub(super) position: Position,
}

impl<'a> Cursor<'a> {
    /// At the start of a text; a byte order mark is passed over.
    ///
    /// # Errors
    /// The text has a character that XML cannot hold.
    pub(super) fn new(text: &'a str) -> Result<Self, ReadError> {
        let start = Self { rest: text.strip_prefix('\u{feff}').unwrap_or(text).chars(), position: Position { line: 1, column: 1 } };
        let mut all = Self { rest: start.rest.clone(), position: start.position };
        while let Some(character) = all.peek() {
            if !is_allowed(character) {
                let reason = format!("found {character:?}, a control character that a domain cannot hold; remove it");
                return Err(ReadError { position: all.position, reason });
            }
            all.next();
        }
        Ok(start)
    }

    /// The next character.
    pub(super) fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    /// The next character, which is passed.
    pub(super) fn next(&mut self) -> Option<char> {
        let character = self.rest.next()?;
        if character == '\n' {
            self.position.line = self.position.line.saturating_add(1);
            self.position.column = 1;
        } else {
            self.position.column = self.position.column.saturating_add(1);
        }
        Some(character)
    }

    /// Passes the next character if it is this one.
    pub(super) fn eat(&mut self, wanted: char) -> bool {
        let there = self.peek() == Some(wanted);
        if there {
            self.next();
        }
        there
    }

    /// Passes all characters of a kind and gives them.
    pub(super) fn run(&mut self, of_kind: impl Fn(char) -> bool) -> &'a str {
        let start = self.rest.as_str();
        while self.peek().is_some_and(&of_kind) {
            self.next();
        }
        &start[..start.len() - self.rest.as_str().len()]
    }

    /// An error at the next character: what stands there, and what should.
    pub(super) fn expected(&self, what: &str) -> ReadError {
        let found = match self.peek() {
            Some('\n' | '\r') => "the end of the line".to_owned(),
            Some(character) => format!("'{character}'"),
            None => "the end of the text".to_owned(),
        };
        self.error(format!("expected {what}, found {found}"))
    }

    /// An error at the next character.
    pub(super) fn error(&self, reason: String) -> ReadError {
        ReadError { position: self.position, reason }
    }

    /// The rest of a quoted string, up to its quote, which is passed. A backslash stands before what
    /// would have another meaning; before anything unknown it stands for itself, as in Python.
    ///
    /// # Errors
    /// The string does not end, or an escape stands for something that XML cannot hold.
    pub(super) fn string(&mut self, quote: char, lines: Lines) -> Result<String, ReadError> {
        let start = self.position;
        let mut value = String::new();
        loop {
            match self.peek() {
                Some('\n' | '\r') if lines == Lines::One => return Err(self.expected(&format!("{quote} at the end of the string"))),
                None => {
                    let reason = format!("the string that begins here has no {quote} at its end");
                    return Err(ReadError { position: start, reason });
                }
                Some(character) => {
                    self.next();
                    match character {
                        '\\' => self.escape(&mut value)?,
                        end if end == quote => return Ok(value),
                        other => value.push(other),
                    }
                }
            }
        }
    }

    /// What stands behind a backslash.
    fn escape(&mut self, value: &mut String) -> Result<(), ReadError> {
        let Some(character) = self.peek() else { return Err(self.expected("a character behind '\\'")) };
        let code = match character {
            'x' => {
                self.next();
                let digits: String = (0..2).filter_map(|_| self.peek().filter(char::is_ascii_hexdigit).and_then(|_| self.next())).collect();
                u32::from_str_radix(&digits, 16).map_err(|_| self.expected("two hexadecimal digits behind '\\x'"))?
            }
            '0'..='7' => {
                let mut code = 0;
                for _ in 0..3 {
                    let Some(digit) = self.peek().and_then(|digit| digit.to_digit(8)) else { break };
                    code = code * 8 + digit;
                    self.next();
                }
                code
            }
            _ => {
                self.next();
                match character {
                    '\n' => return Ok(()),
                    'n' => 10,
                    't' => 9,
                    'r' => 13,
                    '\\' | '\'' | '"' => u32::from(character),
                    other => {
                        value.push('\\');
                        u32::from(other)
                    }
                }
            }
        };
        match char::from_u32(code).filter(|character| is_allowed(*character)) {
            Some(character) => value.push(character),
            None => return Err(self.error(format!("the escape before this stands for character {code}, which a domain cannot hold"))),
        }
        Ok(())
    }
}

/// Whether a string may go on in the next line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lines {
    /// It may not.
    One,
    /// It may.
    Many,
}

/// A text as a string in quotes, which [`Cursor::string`] reads as the same.
pub(super) fn quoted(text: &str, quote: char) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push(quote);
    for character in text.chars() {
        match character {
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\\' => quoted.push_str("\\\\"),
            other if other == quote => quoted.extend(['\\', other]),
            other => quoted.push(other),
        }
    }
    quoted.push(quote);
    quoted
}
