//! The named parts of a device, `mac=00:16:3e:00:00:01,bridge=xenbr0` or
//! `(vif (mac 00:16:3e:00:00:01) (bridge xenbr0))`, taken one by one.
//!
//! Invariant: a part that nobody takes is told in a warning.

use super::input::Input;
use super::value::{Field, Item, Value, number, truth};
use crate::native::ReadError;
use crate::xml::{Position, Value as Word};

/// The parts of one device.
pub(super) struct Fields {
    /// The device as the configuration names it, such as `vif`.
    pub(super) device: &'static str,
    pub(super) position: Position,
    /// The place of the part that was taken last, for errors about it.
    last: Position,
    fields: Vec<Field>,
}

impl Fields {
    /// The parts of a device.
    ///
    /// # Errors
    /// It is no string.
    pub(super) fn of(item: Item, device: &'static str) -> Result<Self, ReadError> {
        let position = item.position;
        let fields = match item.value {
            Value::Record(fields) => fields,
            _ => split(&item.text(device)?, position),
        };
        Ok(Self { device, position, last: position, fields })
    }

    /// Takes a part; none when it is not there or empty. Of a part that is there twice the last counts,
    /// and the others stay.
    pub(super) fn take(&mut self, key: &str) -> Option<String> {
        let at = self.fields.iter().rposition(|field| field.key == key)?;
        let field = self.fields.remove(at);
        self.last = field.position;
        Some(field.value).filter(|value| !value.is_empty())
    }

    /// Takes the first part that is a word by itself.
    pub(super) fn take_bare(&mut self) -> Option<String> {
        let at = self.fields.iter().position(|field| field.key.is_empty())?;
        Some(self.fields.remove(at).value)
    }

    /// Takes a part that is a value of the model.
    ///
    /// # Errors
    /// It is not one of those possible.
    pub(super) fn word<T: Word>(&mut self, key: &str) -> Result<Option<T>, ReadError> {
        let Some(text) = self.take(key) else { return Ok(None) };
        T::parse(&text).map(Some).ok_or_else(|| self.unexpected(key, &text, T::EXPECTED))
    }

    /// Takes a part that is a number in some range.
    ///
    /// # Errors
    /// It is none.
    pub(super) fn number<T: TryFrom<i64>>(&mut self, key: &str, expected: &str) -> Result<Option<T>, ReadError> {
        let Some(text) = self.take(key) else { return Ok(None) };
        let found = number(&text).and_then(|number| T::try_from(number).ok());
        found.map(Some).ok_or_else(|| self.unexpected(key, &text, expected))
    }

    /// Takes a part that is a boolean.
    ///
    /// # Errors
    /// It is none.
    pub(super) fn switch(&mut self, key: &str) -> Result<Option<bool>, ReadError> {
        let Some(text) = self.take(key) else { return Ok(None) };
        truth(&text).map(Some).ok_or_else(|| self.unexpected(key, &text, "0 or 1"))
    }

    /// The error that a part has another value than it should.
    pub(super) fn unexpected(&self, key: &str, found: &str, expected: &str) -> ReadError {
        let reason = format!("expected {expected} for '{key}' of a {}, found '{found}'", self.device);
        ReadError { position: self.last, reason }
    }

    /// An error about the device.
    pub(super) fn error(&self, reason: impl Into<String>) -> ReadError {
        ReadError { position: self.position, reason: reason.into() }
    }

    /// Tells the parts that nobody took.
    pub(super) fn finish(self, input: &mut Input) {
        for field in self.fields {
            // A password does not belong into a warning.
            let part = match (field.key.as_str(), field.value) {
                ("", word) => word,
                (key, value) if value.is_empty() || key.contains("passw") => field.key,
                (key, value) => format!("{key}={value}"),
            };
            if !part.is_empty() {
                input.warn(field.position, format!("'{part}' of a {} has no element in the domain and is left out", self.device));
            }
        }
    }
}

/// The parts of a string such as `mac=…,bridge=…`; white space around them means nothing. A part without `=` has no key: it is
/// not the one of that name without a value, but a word by itself.
fn split(text: &str, position: Position) -> Vec<Field> {
    let mut fields = Vec::<Field>::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let behind_password = fields.last().is_some_and(|field| field.key.contains("passw"));
        fields.push(match part.split_once('=') {
            Some((key, value)) => Field::at(position, key.trim(), value.trim()),
            // A password with a comma ends there, to xl as well; its rest is as secret.
            None if behind_password => Field::at(position, "the word behind vncpasswd", ""),
            None => Field::at(position, "", part),
        });
    }
    fields
}
