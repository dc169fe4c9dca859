//! Engine values as values of the bus.

use std::collections::HashMap;

use zbus::{OwnedVariant, Str};

use crate::domains::{Display, DisplayValue};

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
