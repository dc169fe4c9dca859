//! The settings of a configuration, taken one by one.
//!
//! Invariant: what nobody takes is told in a warning, so nothing is dropped silently.

use std::collections::HashMap;

use super::Dialect;
use super::value::{Item, Value};
use crate::native::warnings::Warnings;
use crate::native::{ReadError, Warning};
use crate::xml::{Position, Value as Word};

/// Most settings of a configuration.
pub(super) const MAX_SETTINGS: usize = 4096;

/// The settings that nobody took yet, and the warnings so far.
pub(super) struct Input {
    pub(super) dialect: Dialect,
    settings: Vec<Option<Setting>>,
    by_key: HashMap<String, usize>,
    warnings: Warnings,
}

struct Setting {
    key: String,
    position: Position,
    item: Item,
}

impl Input {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self { dialect, settings: Vec::new(), by_key: HashMap::new(), warnings: Warnings::default() }
    }

    /// Adds a setting; what was set by that name before is left out with a warning, if it differs.
    ///
    /// # Errors
    /// There are too many.
    pub(super) fn set(&mut self, key: &str, position: Position, item: Item) -> Result<(), ReadError> {
        if self.settings.len() >= MAX_SETTINGS {
            let reason = format!("'{key}' is one setting more than the {MAX_SETTINGS} that are read; remove some");
            return Err(ReadError { position, reason });
        }
        let earlier = self.by_key.insert(key.to_owned(), self.settings.len());
        if let Some(earlier) = earlier.and_then(|at| self.settings[at].take())
            && earlier.item.value != item.value
        {
            let reason = format!("'{key}' is set again on line {}; this one does not count and is left out", position.line);
            self.warn(earlier.position, reason);
        }
        self.settings.push(Some(Setting { key: key.to_owned(), position, item }));
        Ok(())
    }

    /// Adds to what a setting has: a string to a string, a list to a list.
    ///
    /// # Errors
    /// They do not go together, or there are too many settings.
    pub(super) fn append(&mut self, key: &str, position: Position, item: Item) -> Result<(), ReadError> {
        let earlier = self.by_key.get(key).and_then(|at| self.settings[*at].as_mut());
        match (earlier.map(|setting| &mut setting.item.value), item.value) {
            (None, value) => self.set(key, position, Item { value, position: item.position }),
            (Some(Value::List(list)), Value::List(more)) => {
                list.extend(more);
                Ok(())
            }
            (Some(Value::Text(text)), Value::Text(more)) => {
                text.push_str(&more);
                Ok(())
            }
            _ => {
                let reason = format!("expected a value of the kind that '{key}' has already: '+=' adds to it");
                Err(ReadError { position: item.position, reason })
            }
        }
    }

    /// Whether there is a setting that says something.
    pub(super) fn has(&self, key: &str) -> bool {
        self.position(key).is_some()
    }

    /// Where a setting is that says something.
    pub(super) fn position(&self, key: &str) -> Option<Position> {
        let setting = self.by_key.get(key).and_then(|at| self.settings[*at].as_ref());
        setting.filter(|setting| !setting.item.is_empty()).map(|setting| setting.item.position)
    }

    /// Takes a setting; an empty string or list says nothing.
    pub(super) fn take(&mut self, key: &str) -> Option<Item> {
        let at = self.by_key.remove(key)?;
        self.settings[at].take().map(|setting| setting.item).filter(|item| !item.is_empty())
    }

    /// Takes a string with its place.
    pub(super) fn item_text(&mut self, key: &str) -> Result<Option<(String, Position)>, ReadError> {
        self.take(key).map(|item| Ok((item.text(key)?, item.position))).transpose()
    }

    /// Takes a string.
    pub(super) fn text(&mut self, key: &str) -> Result<Option<String>, ReadError> {
        self.take(key).map(|item| item.text(key)).transpose()
    }

    /// Takes a number in some range.
    pub(super) fn number<T: TryFrom<i64>>(&mut self, key: &str, expected: &str) -> Result<Option<T>, ReadError> {
        self.take(key).map(|item| item.number(key, expected)).transpose()
    }

    /// Takes a boolean.
    pub(super) fn switch(&mut self, key: &str) -> Result<Option<bool>, ReadError> {
        self.take(key).map(|item| item.switch(key)).transpose()
    }

    /// A boolean that stays.
    pub(super) fn switch_of(&self, key: &str) -> Result<Option<bool>, ReadError> {
        let setting = self.by_key.get(key).and_then(|at| self.settings[*at].as_ref());
        setting.map(|setting| &setting.item).filter(|item| !item.is_empty()).map(|item| item.switch(key)).transpose()
    }

    /// Takes a value of the model.
    pub(super) fn word<T: Word>(&mut self, key: &str) -> Result<Option<T>, ReadError> {
        self.take(key).map(|item| item.word(key)).transpose()
    }

    /// Leaves a setting out, for a reason that completes "'NAME' …".
    pub(super) fn leave_out(&mut self, key: &str, reason: &str) {
        if let Some(item) = self.take(key) {
            self.warn(item.position, format!("'{key}' {reason} and is left out"));
        }
    }

    /// Leaves out settings that do not count beside another one; what says the same needs no warning.
    pub(super) fn overrule(&mut self, key: &str, others: &[&str]) {
        let value = |input: &Self, key: &str| {
            let setting = input.by_key.get(key).and_then(|at| input.settings[*at].as_ref());
            setting.map(|setting| &setting.item).filter(|item| !item.is_empty()).map(|item| item.value.clone())
        };
        let Some(counts) = value(self, key) else { return };
        for other in others {
            if value(self, other).is_some_and(|value| value == counts) {
                self.take(other);
            } else {
                self.leave_out(other, &format!("does not count beside '{key}'"));
            }
        }
    }

    /// Takes a list; a single value is a list of one.
    pub(super) fn list(&mut self, key: &str) -> Vec<Item> {
        self.take(key).map(Item::into_list).unwrap_or_default()
    }

    /// Tells something.
    pub(super) fn warn(&mut self, position: Position, reason: String) {
        self.warnings.tell(position, reason);
    }

    /// The warnings in the order of the configuration, after those about settings that nobody took.
    pub(super) fn finish(mut self) -> Vec<Warning> {
        for setting in std::mem::take(&mut self.settings).into_iter().flatten() {
            if !setting.item.is_empty() {
                self.warn(setting.position, format!("'{}' has no element in the domain and is left out", setting.key));
            }
        }
        self.warnings.finish()
    }
}

impl Item {
    /// Whether it says nothing: an empty string or list.
    fn is_empty(&self) -> bool {
        match &self.value {
            Value::Text(text) => text.is_empty(),
            Value::List(items) => items.is_empty(),
            Value::Number(_) | Value::Record(_) => false,
        }
    }
}
