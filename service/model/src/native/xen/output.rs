//! The settings that a domain becomes, in the order in which they are written.

use super::Dialect;
use super::value::{Field, Item, Value};

/// The settings so far.
pub(super) struct Output {
    pub(super) dialect: Dialect,
    pub(super) settings: Vec<(&'static str, Value)>,
}

impl Output {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self { dialect, settings: Vec::new() }
    }

    /// A string, if there is one; an empty one says nothing.
    pub(super) fn text(&mut self, key: &'static str, text: Option<impl Into<String>>) {
        if let Some(text) = text.map(Into::into).filter(|text: &String| !text.is_empty()) {
            self.settings.push((key, Value::Text(text)));
        }
    }

    /// A number, if there is one that the formats can hold.
    pub(super) fn number(&mut self, key: &'static str, number: Option<impl TryInto<i64>>) {
        if let Some(number) = number.and_then(|number| number.try_into().ok()) {
            self.settings.push((key, Value::Number(number)));
        }
    }

    /// A boolean, if there is one.
    pub(super) fn switch(&mut self, key: &'static str, on: Option<bool>) {
        self.number(key, on.map(i64::from));
    }

    /// A list of strings, unless it is empty.
    pub(super) fn texts(&mut self, key: &'static str, texts: Vec<String>) {
        self.list(key, texts.into_iter().map(Value::Text).collect());
    }

    /// A list of devices, unless it is empty.
    pub(super) fn records(&mut self, key: &'static str, records: Vec<Record>) {
        self.list(key, records.into_iter().map(|record| Value::Record(record.0)).collect());
    }

    fn list(&mut self, key: &'static str, values: Vec<Value>) {
        if !values.is_empty() {
            self.settings.push((key, Value::List(values.into_iter().map(Item::from).collect())));
        }
    }
}

/// The named parts of a device that is to be written.
#[derive(Debug, Default)]
pub(super) struct Record(pub(super) Vec<Field>);

impl Record {
    /// A part, if there is one. A value that the formats' commas would cut, or that is empty, cannot be
    /// said; the comparison with the domain finds it.
    pub(super) fn put(&mut self, key: &'static str, value: Option<impl Into<String>>) {
        if let Some(value) = value.map(Into::into).filter(|value: &String| !value.contains(',') && !value.trim().is_empty()) {
            self.0.push(Field::new(key, value));
        }
    }

    /// A part that is a boolean, if there is one.
    pub(super) fn switch(&mut self, key: &'static str, on: Option<bool>) {
        self.put(key, on.map(|on| if on { "1" } else { "0" }));
    }

    /// A part without a value.
    pub(super) fn flag(&mut self, key: impl Into<String>) {
        self.0.push(Field::new(key, ""));
    }
}
