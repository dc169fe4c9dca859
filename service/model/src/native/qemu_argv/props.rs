//! The value of an option as properties: `key=value,…` with its doubled commas, or a JSON object.
//!
//! Invariant: a property that nobody took can be told: [`Props::left`].

use std::cell::Cell;

use serde_json::Value;

/// Most properties of one option; QEMU's own have some dozens.
pub const MAX_PROPERTIES: usize = 2048;
/// Longest key in bytes. Objects in objects have long ones, and each value inside has its own.
const MAX_KEY: usize = 1024;

/// Properties in the order in which they are written.
#[derive(Debug, Clone, Default)]
pub struct Props {
    list: Vec<Property>,
}

#[derive(Debug, Clone)]
struct Property {
    key: String,
    value: String,
    taken: Cell<bool>,
}

impl Props {
    /// Reads `key=value,…` or a JSON object. `first` is the key of a first value that has none, as QEMU has it for many
    /// options; other words without a value are switches that are on.
    ///
    /// # Errors
    /// The text begins as JSON and is none, or it has more or longer properties than any option.
    pub fn read(text: &str, first: &str) -> Result<Self, String> {
        if text.trim_start().starts_with('{') {
            let value: Value = serde_json::from_str(text).map_err(|error| format!("the value begins as JSON and is none: {error}"))?;
            let mut props = Self::default();
            props.flatten(String::new(), &value)?;
            return Ok(props);
        }
        let mut props = Self::default();
        for (number, item) in items(text).into_iter().enumerate() {
            match item.split_once('=') {
                Some((key, value)) => props.take_up(key, value)?,
                None if number == 0 && !first.is_empty() => props.take_up(first, &item)?,
                None if item.is_empty() => {}
                None => match item.strip_prefix("no").filter(|rest| matches!(*rest, "wait" | "delay")) {
                    Some(key) => props.take_up(key, "off")?,
                    None => props.take_up(&item, "on")?,
                },
            }
        }
        Ok(props)
    }

    /// Adds what was read, within the limits.
    fn take_up(&mut self, key: &str, value: &str) -> Result<(), String> {
        if self.list.len() >= MAX_PROPERTIES {
            return Err(format!("there are more than the {MAX_PROPERTIES} properties that are read"));
        }
        if key.len() > MAX_KEY {
            return Err(format!("the name of a property has {} bytes, more than the {MAX_KEY} that are read", key.len()));
        }
        self.add(key, value);
        Ok(())
    }

    fn add(&mut self, key: &str, value: &str) {
        self.list.push(Property { key: key.to_owned(), value: value.to_owned(), taken: Cell::new(false) });
    }

    /// Objects in objects become keys with dots, as QEMU has them on the command line. The depth is serde_json's.
    fn flatten(&mut self, key: String, value: &Value) -> Result<(), String> {
        let inside = |name: &str| if key.is_empty() { name.to_owned() } else { format!("{key}.{name}") };
        match value {
            Value::Object(members) => members.iter().try_for_each(|(name, value)| self.flatten(inside(name), value)),
            Value::Array(values) => values.iter().enumerate().try_for_each(|(at, value)| self.flatten(inside(&at.to_string()), value)),
            Value::Bool(on) => self.take_up(&key, if *on { "on" } else { "off" }),
            Value::String(text) => self.take_up(&key, text),
            Value::Number(number) => self.take_up(&key, &number.to_string()),
            Value::Null => self.take_up(&key, ""),
        }
    }

    /// Takes a property; of several the last counts, as for QEMU.
    pub fn take(&self, key: &str) -> Option<&str> {
        let mut found = None;
        for property in self.list.iter().filter(|property| property.key == key) {
            property.taken.set(true);
            found = Some(property.value.as_str());
        }
        found
    }

    /// Takes every property of a key, in order.
    pub fn take_all(&self, key: &str) -> Vec<&str> {
        let all = self.list.iter().filter(|property| property.key == key);
        all.inspect(|property| property.taken.set(true)).map(|property| property.value.as_str()).collect()
    }

    /// Takes the values of a list: `KEY` several times, or a JSON list of texts or of objects with one member.
    pub fn take_list(&self, key: &str) -> Vec<&str> {
        let in_list = |property: &&Property| {
            let rest = property.key.strip_prefix(key)?;
            let mut steps = rest.split('.');
            let whole = steps.next() == Some("") && steps.next().is_none_or(|number| number.bytes().all(|digit| digit.is_ascii_digit()));
            whole.then_some(())
        };
        let all = self.list.iter().filter(|property| in_list(property).is_some());
        all.inspect(|property| property.taken.set(true)).map(|property| property.value.as_str()).collect()
    }

    /// The first of several spellings that is there.
    pub fn take_any(&self, keys: &[&str]) -> Option<&str> {
        keys.iter().find_map(|key| self.take(key))
    }

    /// Takes a switch. One that is neither on nor off is left.
    pub fn take_on(&self, key: &str) -> Option<bool> {
        let on = is_on(self.get(key)?)?;
        self.take(key);
        Some(on)
    }

    /// Looks at a property.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.list.iter().rev().find(|property| property.key == key).map(|property| property.value.as_str())
    }

    /// Takes a number. What is none is left.
    pub fn take_number(&self, key: &str) -> Option<u32> {
        let number = self.get(key)?.parse().ok()?;
        self.take(key);
        Some(number)
    }

    /// Takes a property if it says this.
    pub fn take_if(&self, key: &str, says: impl Fn(&str) -> bool) {
        if self.get(key).is_some_and(says) {
            self.take(key);
        }
    }

    /// Without a property.
    pub fn without(self, key: &str) -> Self {
        self.take(key);
        self
    }

    /// Takes a property that is ours to choose, whatever it says.
    pub fn ignore(&self, keys: &[&str]) {
        for key in keys {
            self.take(key);
        }
    }

    /// Properties below a key, with the key's name and dot taken off: `file.driver` of `file`.
    pub fn below(&self, key: &str) -> Self {
        let mut below = Self::default();
        for property in &self.list {
            if let Some(rest) = property.key.strip_prefix(key).and_then(|rest| rest.strip_prefix('.')) {
                property.taken.set(true);
                below.add(rest, &property.value);
            }
        }
        below
    }

    /// Puts in properties that were left elsewhere.
    pub fn append(&mut self, prefix: &str, others: &Self) {
        for property in others.list.iter().filter(|property| !property.taken.get()) {
            self.add(&format!("{prefix}{}", property.key), &property.value);
        }
    }

    /// What nobody took.
    pub fn left(&self) -> Vec<(&str, &str)> {
        let left = self.list.iter().filter(|property| !property.taken.get());
        left.map(|property| (property.key.as_str(), property.value.as_str())).collect()
    }

    /// All values, for those who look for names in them.
    pub fn values(&self) -> impl Iterator<Item = (&str, &str)> {
        self.list.iter().map(|property| (property.key.as_str(), property.value.as_str()))
    }
}

/// The parts between single commas; two commas are one of the text.
fn items(text: &str) -> Vec<String> {
    let mut items = vec![String::new()];
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let at = items.len() - 1;
        match character {
            ',' if characters.peek() == Some(&',') => {
                characters.next();
                items[at].push(',');
            }
            ',' => items.push(String::new()),
            other => items[at].push(other),
        }
    }
    items
}

/// Properties as an option has them.
pub fn spelled(left: &[(&str, &str)]) -> Vec<String> {
    left.iter().map(|(key, value)| format!("{key}={}", value.replace(',', ",,"))).collect()
}

/// A switch of QEMU.
pub fn is_on(value: &str) -> Option<bool> {
    match value {
        "on" | "yes" | "true" | "y" => Some(true),
        "off" | "no" | "false" | "n" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_json_say_the_same() {
        for (text, expected) in [
            ("if=virtio,file=a,,b,readonly", "if=virtio file=a,b readonly=on"),
            ("e1000,mac=1", "driver=e1000 mac=1"),
            (r#"{"driver":"e1000","a":{"b":1,"c":[true,"x"]}}"#, "driver=e1000 a.b=1 a.c.0=on a.c.1=x"),
            ("file=/a,server,nowait", "file=/a server=on wait=off"),
            ("", "driver="),
        ] {
            let props = Props::read(text, "driver").unwrap();
            let found: Vec<String> = props.left().into_iter().map(|(key, value)| format!("{key}={value}")).collect();
            assert_eq!(found.join(" "), expected, "{text}");
        }
        assert!(Props::read("{\"a\":", "").unwrap_err().contains("JSON"));
    }

    #[test]
    fn more_than_any_option_has_is_refused() {
        let list = |values: usize| format!("[{}1]", "1,".repeat(values));
        for (text, expected) in [
            ("a=1,".repeat(MAX_PROPERTIES + 1), "more than the 2048 properties"),
            (format!("{{\"a\":{}}}", list(MAX_PROPERTIES)), "more than the 2048 properties"),
            // Every value would have the long key, whatever is beside it.
            (format!("{{\"{}\":{}}}", "k".repeat(500_000), list(100_000)), "more than the 1024"),
        ] {
            let error = Props::read(&text, "").unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn what_nobody_took_is_left() {
        let props = Props::read("a=1,b=2,a=3,c.d=4", "").unwrap();
        assert_eq!(props.take("a"), Some("3"));
        assert_eq!(props.below("c").take("d"), Some("4"));
        assert_eq!(props.left(), [("b", "2")]);
    }
}
