//! The two notations of QEMU's options: JSON objects and `name,key=value` lists.
//!
//! Both keep the order in which values are added, so that a command line can be compared with another.

use std::fmt::Display;

use lodge_model::xml::{OnOff, YesNo};
use serde_json::{Map, Value};

/// An object for `-device`, `-object`, `-blockdev`, `-netdev`, `-audiodev` or `-display`.
#[derive(Debug, Clone, PartialEq)]
pub struct Props(Map<String, Value>);

impl Props {
    /// A device, named by its driver.
    pub fn device(driver: &str) -> Self {
        Self::of("driver", driver)
    }

    /// A user-creatable object, named by its type.
    pub fn object(qom_type: &str, id: &str) -> Self {
        Self::of("qom-type", qom_type).with("id", id)
    }

    /// Something named by another key.
    pub fn of(key: &str, value: &str) -> Self {
        Self::empty().with(key, value)
    }

    /// Nothing yet.
    pub fn empty() -> Self {
        Self(Map::new())
    }

    /// The same with a value more.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.insert(key.to_owned(), value.into());
        self
    }

    /// The same with a value more, if there is one.
    #[must_use]
    pub fn opt(self, key: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// The same with a boolean more, if the document has it.
    #[must_use]
    pub fn bool(self, key: &str, value: Option<OnOff>) -> Self {
        self.opt(key, value.map(|value| value.0))
    }

    /// The same with a boolean more, if the document has it.
    #[must_use]
    pub fn yes(self, key: &str, value: Option<YesNo>) -> Self {
        self.opt(key, value.map(|value| value.0))
    }

    /// The same with an `on`, `off` or `auto` more, if the document has it.
    #[must_use]
    pub fn on_off(self, key: &str, value: Option<OnOff>) -> Self {
        self.opt(key, value.map(|value| on_off(value.0)))
    }

    /// The same with all values of another.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// A value.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// Sets a value.
    pub fn set(&mut self, key: &str, value: Value) {
        self.0.insert(key.to_owned(), value);
    }

    /// Takes a value away, keeping the order of the others.
    pub fn remove(&mut self, key: &str) {
        self.0.shift_remove(key);
    }

    /// As a value inside another.
    pub fn into_value(self) -> Value {
        Value::Object(self.0)
    }

    /// As an argument.
    pub fn render(self) -> String {
        self.into_value().to_string()
    }
}

/// A list such as `pc,usb=off`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options(String);

impl Options {
    /// A list that begins with a name.
    pub fn new(name: &str) -> Self {
        Self(escape(name))
    }

    /// A list that begins with a pair.
    pub fn of(key: &str, value: impl Display) -> Self {
        Self(format!("{key}={}", escape(&value.to_string())))
    }

    /// The same with a pair more.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Display) -> Self {
        self.0.push_str(&format!(",{key}={}", escape(&value.to_string())));
        self
    }

    /// The same with a pair more, if there is a value.
    #[must_use]
    pub fn opt(self, key: &str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// The same with a switch more.
    #[must_use]
    pub fn on(self, key: &str, on: bool) -> Self {
        self.with(key, on_off(on))
    }

    /// The same with a switch more, if the document has it.
    #[must_use]
    pub fn opt_on(self, key: &str, on: Option<bool>) -> Self {
        self.opt(key, on.map(on_off))
    }

    /// As an argument.
    pub fn render(self) -> String {
        self.0
    }
}

/// The word for a switch.
pub fn on_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

/// A comma in a value is written twice.
fn escape(value: &str) -> String {
    value.replace(',', ",,")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_kept_and_commas_are_doubled() {
        let device = Props::device("ide-cd").with("id", "ide0-0-0").opt("bootindex", None::<u32>).with("unit", 0);
        assert_eq!(device.render(), r#"{"driver":"ide-cd","id":"ide0-0-0","unit":0}"#);
        let options = Options::of("guest", "a,b").on("debug-threads", true).opt("x", None::<u8>);
        assert_eq!(options.render(), "guest=a,,b,debug-threads=on");
    }
}
