//! What the bus carries as JSON, name by name and word by word.

use serde_json::{Map, Number, Value};
use zbus::Variant;

/// A value of the bus. Dictionaries become objects, structures arrays, file descriptors null.
pub fn value(variant: &Variant<'_>) -> Value {
    match variant {
        Variant::U8(number) => (*number).into(),
        Variant::Bool(truth) => (*truth).into(),
        Variant::I16(number) => (*number).into(),
        Variant::U16(number) => (*number).into(),
        Variant::I32(number) => (*number).into(),
        Variant::U32(number) => (*number).into(),
        Variant::I64(number) => (*number).into(),
        Variant::U64(number) => (*number).into(),
        Variant::F64(number) => Number::from_f64(*number).map_or(Value::Null, Value::Number),
        Variant::Str(text) => text.as_str().into(),
        Variant::Signature(signature) => signature.to_string().into(),
        Variant::ObjectPath(path) => path.as_str().into(),
        Variant::Variant(inner) => value(inner),
        Variant::Array(array) => array.iter().map(value).collect(),
        Variant::Dict(dict) => Value::Object(dict.iter().map(|(key, entry)| (plain(key), value(entry))).collect()),
        Variant::Structure(structure) => structure.fields().iter().map(value).collect(),
        Variant::Fd(_) => Value::Null,
    }
}

/// Named values, sorted by name.
pub fn object<'v, N: AsRef<str>>(entries: impl IntoIterator<Item = (N, &'v Variant<'static>)>) -> Map<String, Value> {
    let mut entries: Vec<_> = entries.into_iter().map(|(name, variant)| (name.as_ref().to_owned(), value(variant))).collect();
    entries.sort_by(|(one, _), (other, _)| one.cmp(other));
    entries.into_iter().collect()
}

/// A value of the bus as a person reads it: text without quotes, all else as JSON.
pub fn plain(variant: &Variant<'_>) -> String {
    match value(variant) {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

/// JSON as it is printed: indented, ended by a line break.
pub fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn every_shape() {
        let dictionary = HashMap::from([("port", Variant::from(5900_u16))]);
        for (variant, json) in [
            (Variant::from("a\"b"), r#""a\"b""#),
            (Variant::from(u64::MAX), "18446744073709551615"),
            (Variant::from(0.5), "0.5"),
            (Variant::from(f64::NAN), "null"),
            (Variant::from(vec![dictionary]), r#"[{"port":5900}]"#),
            (Variant::from(("dac", 7_u32)), r#"["dac",7]"#),
            (Variant::Variant(Box::new(Variant::from(true))), "true"),
        ] {
            assert_eq!(value(&variant).to_string(), json);
        }
    }
}
