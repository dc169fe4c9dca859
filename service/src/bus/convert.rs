//! Engine values as values of the bus.

use std::collections::HashMap;

use lodge_dbus_interfaces::types;
use lodge_model::xml::Value as _;
use zbus::{OwnedVariant, Str};

use crate::domains::{Display, DisplayValue};
use crate::storage::{Algorithm, Overwrite};

/// Displays as the property Graphics.
pub fn graphics(displays: &[Display]) -> Vec<HashMap<String, OwnedVariant>> {
    displays.iter().map(|display| display.iter().map(|(name, value)| ((*name).to_owned(), owned(value))).collect()).collect()
}

fn owned(value: &DisplayValue) -> OwnedVariant {
    match value {
        DisplayValue::Text(text) => OwnedVariant::from(Str::from(text.clone())),
        DisplayValue::Port(port) => OwnedVariant::from(*port),
    }
}

/// Whether a device is formatted, by the option's word, which was read strictly.
pub fn overwrite(word: &types::Overwrite) -> Overwrite {
    match word {
        types::Overwrite::Everything => Overwrite::Everything,
        types::Overwrite::IfEmpty => Overwrite::IfEmpty,
        types::Overwrite::Nothing | types::Overwrite::Other(_) => Overwrite::Nothing,
    }
}

/// How a volume is wiped, by the option's word, which was read strictly.
pub fn algorithm(word: &types::WipeAlgorithm) -> Algorithm {
    Algorithm::parse(word.as_str()).unwrap_or_default()
}
