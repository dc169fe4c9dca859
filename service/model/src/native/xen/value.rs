//! Values of settings, as all three formats have them.

use super::cursor::quoted;
use crate::native::ReadError;
use crate::xml::{Position, Value as Word};

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// A string.
    Text(String),
    /// A whole number.
    Number(i64),
    /// Several values.
    List(Vec<Item>),
    /// Named parts: a device of an s-expression, or a device that is to be written.
    Record(Vec<Field>),
}

/// A value with its place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Item {
    pub(super) value: Value,
    pub(super) position: Position,
}

/// A named part of a device. A word by itself has no key when it is read, and no value when it is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) key: String,
    pub(super) value: String,
    pub(super) position: Position,
}

impl Field {
    /// A part that is read.
    pub(super) fn at(position: Position, key: impl Into<String>, value: impl Into<String>) -> Self {
        Self { key: key.into(), value: value.into(), position }
    }

    /// A part that is to be written and has no place yet.
    pub(super) fn new(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self::at(Position::default(), key, value)
    }
}

impl From<Value> for Item {
    /// A value that is to be written and has no place yet.
    fn from(value: Value) -> Self {
        Self { value, position: Position::default() }
    }
}

impl Item {
    /// An error about this value.
    pub(super) fn error(&self, reason: impl Into<String>) -> ReadError {
        ReadError { position: self.position, reason: reason.into() }
    }

    /// What the value is, for errors.
    fn found(&self) -> String {
        match &self.value {
            Value::Text(text) => format!("'{text}'"),
            Value::Number(number) => number.to_string(),
            Value::List(_) => "a list".to_owned(),
            Value::Record(_) => "a list of named parts".to_owned(),
        }
    }

    /// The error that a setting has another value than it should.
    pub(super) fn unexpected(&self, key: &str, expected: &str) -> ReadError {
        self.error(format!("expected {expected} for '{key}', found {}", self.found()))
    }

    /// A string; a number stands for its digits.
    ///
    /// # Errors
    /// It is a list.
    pub(super) fn text(&self, key: &str) -> Result<String, ReadError> {
        match &self.value {
            Value::Text(text) => Ok(text.clone()),
            Value::Number(number) => Ok(number.to_string()),
            Value::List(_) | Value::Record(_) => Err(self.unexpected(key, "a string")),
        }
    }

    /// A whole number in some range; digits may stand in a string.
    ///
    /// # Errors
    /// It is no number, or is out of range.
    pub(super) fn number<T: TryFrom<i64>>(&self, key: &str, expected: &str) -> Result<T, ReadError> {
        let number = match &self.value {
            Value::Number(number) => Some(*number),
            Value::Text(text) => number(text.trim()),
            Value::List(_) | Value::Record(_) => None,
        };
        number.and_then(|number| T::try_from(number).ok()).ok_or_else(|| self.unexpected(key, expected))
    }

    /// A boolean: a number, of which 0 is false, or a word.
    ///
    /// # Errors
    /// It is something else.
    pub(super) fn switch(&self, key: &str) -> Result<bool, ReadError> {
        match &self.value {
            Value::Number(number) => Ok(*number != 0),
            Value::Text(text) => truth(text).ok_or_else(|| self.unexpected(key, "0 or 1")),
            Value::List(_) | Value::Record(_) => Err(self.unexpected(key, "0 or 1")),
        }
    }

    /// A value of the model.
    ///
    /// # Errors
    /// It is not one of those possible.
    pub(super) fn word<T: Word>(&self, key: &str) -> Result<T, ReadError> {
        T::parse(&self.text(key)?).ok_or_else(|| self.unexpected(key, T::EXPECTED))
    }

    /// The parts of a list; what is no list is the only part.
    pub(super) fn into_list(self) -> Vec<Self> {
        match self.value {
            Value::List(items) => items,
            _ => vec![self],
        }
    }
}

/// Whether a text means true; `None` when it means neither true nor false.
pub(super) fn truth(text: &str) -> Option<bool> {
    match text.trim() {
        "1" | "yes" | "true" | "on" | "True" => Some(true),
        "0" | "no" | "false" | "off" | "False" => Some(false),
        other => number(other).map(|number| number != 0),
    }
}

/// A whole number as Python 2 and xl write it: decimal, `0x` hexadecimal, `0` or `0o` octal.
pub(super) fn number(text: &str) -> Option<i64> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let lower = digits.to_ascii_lowercase();
    let digits = lower.strip_suffix('l').unwrap_or(&lower);
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let parsed = match digits.split_at_checked(2) {
        Some(("0x", hex)) => i64::from_str_radix(hex, 16),
        Some(("0o", octal)) => i64::from_str_radix(octal, 8),
        _ if digits.len() > 1 && digits.starts_with('0') => i64::from_str_radix(digits, 8),
        _ => digits.parse(),
    };
    parsed.ok().filter(|number| *number >= 0)?.checked_mul(sign)
}

/// A value as xm and xl write it.
pub(super) fn printed(value: &Value) -> String {
    match value {
        Value::Text(text) => quoted(text, '"'),
        Value::Number(number) => number.to_string(),
        Value::List(items) if items.is_empty() => "[ ]".to_owned(),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(|item| printed(&item.value)).collect();
            format!("[ {} ]", items.join(", "))
        }
        Value::Record(fields) => {
            let part = |field: &Field| if field.value.is_empty() { field.key.clone() } else { format!("{}={}", field.key, field.value) };
            quoted(&fields.iter().map(part).collect::<Vec<_>>().join(","), '"')
        }
    }
}
