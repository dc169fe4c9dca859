//! All objects of the service from one call, as the dictionaries of properties that they are on the bus.
//!
//! Invariant: a property that is missing or has another type than expected reads as empty, so that an older or newer
//! service can be listed.

use std::collections::HashMap;

use lodge_dbus_interfaces::ROOT_PATH;
use lodge_dbus_interfaces::types::State;
use zbus::{OwnedObjectPath, OwnedVariant, Variant};

use super::failure::Outcome;
use super::json;
use super::service::Service;

/// One object: its path and the properties of one interface.
#[derive(Debug)]
pub struct Object {
    /// Where it is.
    pub path: OwnedObjectPath,
    /// Its properties by name.
    pub properties: HashMap<String, OwnedVariant>,
}

/// All objects that have an interface.
///
/// # Errors
/// There is no service.
pub async fn objects(service: &Service, interface: &str) -> Outcome<Vec<Object>> {
    type Interfaces = HashMap<String, HashMap<String, OwnedVariant>>;
    let all: HashMap<OwnedObjectPath, Interfaces> =
        service.read(ROOT_PATH, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", &()).await?;
    let with =
        |(path, mut interfaces): (OwnedObjectPath, Interfaces)| interfaces.remove(interface).map(|properties| Object { path, properties });
    Ok(all.into_iter().filter_map(with).collect())
}

impl Object {
    fn property(&self, name: &str) -> Option<&Variant<'static>> {
        self.properties.get(name).map(|value| &**value)
    }

    /// A text; empty where there is none.
    pub fn text(&self, name: &str) -> &str {
        self.property(name).and_then(|value| value.try_into().ok()).unwrap_or_default()
    }

    /// A yes or no.
    pub fn flag(&self, name: &str) -> bool {
        self.property(name).and_then(|value| value.try_into().ok()).unwrap_or_default()
    }

    /// A number of 32 bits.
    pub fn number(&self, name: &str) -> u32 {
        self.property(name).and_then(|value| value.try_into().ok()).unwrap_or_default()
    }

    /// A number of 32 bits that may be negative.
    pub fn signed(&self, name: &str) -> Option<i32> {
        self.property(name).and_then(|value| value.try_into().ok())
    }

    /// A number of 64 bits.
    pub fn size(&self, name: &str) -> u64 {
        self.property(name).and_then(|value| value.try_into().ok()).unwrap_or_default()
    }

    /// A fraction.
    pub fn fraction(&self, name: &str) -> f64 {
        self.property(name).and_then(|value| value.try_into().ok()).unwrap_or_default()
    }

    /// The texts of a list.
    pub fn texts(&self, name: &str) -> Vec<String> {
        let Some(Variant::Array(array)) = self.property(name) else { return Vec::new() };
        array.iter().map(json::plain).collect()
    }

    /// A domain's state.
    pub fn state(&self) -> State {
        State::from(self.text("State"))
    }

    /// The id of a domain that runs.
    pub fn id(&self) -> Option<u32> {
        Some(self.number("Id")).filter(|id| *id != 0)
    }

    /// All properties and the path.
    pub fn json(&self) -> serde_json::Value {
        let mut object = serde_json::Map::new();
        object.insert("Path".to_owned(), self.path.as_str().into());
        object.extend(json::object(self.properties.iter().map(|(name, value)| (name, &**value))));
        object.into()
    }
}

/// A word of the contract as people read it: `shut-off` is `shut off`.
pub fn words(word: &str) -> String {
    word.replace('-', " ")
}
