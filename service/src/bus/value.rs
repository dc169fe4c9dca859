//! A property's value as it goes into the inventory and into change signals.
//!
//! A [`zbus::Variant`] owns what it holds and carries its signature as a parsed tree, which costs more than all the rest of an
//! inventory. This is the same on the wire, borrowed from a snapshot, with signatures that are constants.
//!
//! Invariant: the signature that [`Value::signature`] names is that of what [`Value`] serializes next to it.

use std::borrow::Cow;

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};
use uuid::Uuid;
use zbus::{OwnedObjectPath, Signature, Type};

use crate::domains::{Display, DisplayValue};

/// A value with its type, `v`.
#[derive(Debug, PartialEq)]
pub enum Value<'a> {
    Flag(bool),
    Number(u32),
    Large(u64),
    Fraction(f64),
    Text(Cow<'a, str>),
    Uuid(Uuid),
    Texts(&'a [String]),
    Pairs(&'a [(String, String)]),
    Displays(&'a [Display]),
    Object(OwnedObjectPath),
    Objects(Vec<OwnedObjectPath>),
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl Value<'_> {
    /// The D-Bus type of what it holds.
    pub const fn signature(&self) -> &'static str {
        match self {
            Self::Flag(_) => "b",
            Self::Number(_) => "u",
            Self::Large(_) => "t",
            Self::Fraction(_) => "d",
            Self::Text(_) | Self::Uuid(_) => "s",
            Self::Texts(_) => "as",
            Self::Pairs(_) => "a(ss)",
            Self::Displays(_) => "aa{sv}",
            Self::Object(_) => "o",
            Self::Objects(_) => "ao",
        }
    }
}

impl Type for Value<'_> {
    const SIGNATURE: &'static Signature = &Signature::Variant;
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let signature = self.signature();
        match self {
            Self::Flag(flag) => variant(serializer, signature, flag),
            Self::Number(number) => variant(serializer, signature, number),
            Self::Large(number) => variant(serializer, signature, number),
            Self::Fraction(number) => variant(serializer, signature, number),
            Self::Text(text) => variant(serializer, signature, text),
            Self::Uuid(uuid) => variant(serializer, signature, &*uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer())),
            Self::Texts(texts) => variant(serializer, signature, texts),
            Self::Pairs(pairs) => variant(serializer, signature, pairs),
            Self::Displays(displays) => variant(serializer, signature, displays),
            Self::Object(path) => variant(serializer, signature, path),
            Self::Objects(paths) => variant(serializer, signature, paths),
        }
    }
}

impl Serialize for DisplayValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => variant(serializer, "s", text),
            Self::Port(port) => variant(serializer, "q", port),
        }
    }
}

/// A variant as the serializer of zbus takes it: a struct of a signature and a value of that type.
fn variant<S: Serializer, T: Serialize + ?Sized>(serializer: S, signature: &'static str, value: &T) -> Result<S::Ok, S::Error> {
    let mut variant = serializer.serialize_struct("Variant", 2)?;
    variant.serialize_field("signature", signature)?;
    variant.serialize_field("value", value)?;
    variant.end()
}

#[cfg(test)]
mod tests {
    use zbus::Variant;
    use zbus::wire::serialized::Context;
    use zbus::wire::{LE, to_bytes};

    use super::*;

    #[test]
    fn a_bus_library_reads_each_kind_of_value() {
        let texts = ["a".to_owned(), String::new()];
        let pairs = [("dac".to_owned(), "+0:+0".to_owned())];
        let displays = [Display::from([("type", DisplayValue::Text("vnc".to_owned())), ("port", DisplayValue::Port(5900))])];
        let path = lodge_dbus_interfaces::paths::domain("a b");
        let cases = [
            (Value::Flag(true), "Bool(true)"),
            (Value::Number(7), "U32(7)"),
            (Value::Large(1 << 40), "U64(1099511627776)"),
            (Value::Fraction(0.5), "F64(0.5)"),
            (Value::from("grün"), "grün"),
            (Value::Uuid(Uuid::nil()), "00000000-0000-0000-0000-000000000000"),
            (Value::Texts(&texts), "[Str(\"a\"), Str(\"\")]"),
            (Value::Texts(&[]), "[]"),
            (Value::Pairs(&pairs), "+0:+0"),
            (Value::Pairs(&[]), "[]"),
            (Value::Displays(&displays), "U16(5900)"),
            (Value::Displays(&[]), "[]"),
            (Value::Object(path.clone()), "/org/lodge/Lodge1/domain/a_20b"),
            (Value::Objects(vec![path]), "/org/lodge/Lodge1/domain/a_20b"),
        ];
        for (value, expected) in &cases {
            let bytes = to_bytes(Context::new(LE, 0), value).unwrap();
            let (variant, length): (Variant<'_>, usize) = bytes.deserialize().unwrap();
            assert_eq!(length, bytes.len(), "{value:?}");
            assert_eq!(variant.value_signature().to_string(), value.signature(), "{value:?}");
            assert!(format!("{variant:?}").contains(expected), "{variant:?}: {expected}");
        }
    }
}
